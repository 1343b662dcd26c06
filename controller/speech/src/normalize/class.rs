//! What a stretch of text was recognised as.

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a stretch of text was recognised as.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Class { $($(#[$doc])* $name,)* }

        impl Class {
            /// Every class.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in data and on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

classes! {
    /// A word, passed on as it stands.
    Word = "word",
    /// An entry of the operator's lexicon, or a pronunciation that the writer gives in the text.
    Lexicon = "lexicon",
    /// A web address.
    Url = "url",
    /// An e-mail address.
    Email = "email",
    /// The number of a legal or administrative document.
    Document = "document",
    /// A telephone number.
    Telephone = "telephone",
    /// A short emergency or service number.
    Hotline = "hotline",
    /// A vehicle's plate.
    Plate = "plate",
    /// An identity, account or file number, digit by digit.
    Code = "code",
    /// A date, or a range of dates.
    Date = "date",
    /// A time of day, a duration in clock form, or a range of them.
    Time = "time",
    /// An amount of money.
    Money = "money",
    /// A share in hundredths or thousandths.
    Percent = "percent",
    /// A number with a unit.
    Measure = "measure",
    /// a/b.
    Fraction = "fraction",
    /// Two numbers with a dash.
    Range = "range",
    /// A Roman numeral.
    Roman = "roman",
    /// A number that says which one (thứ 4).
    Ordinal = "ordinal",
    /// A number with a decimal comma.
    Decimal = "decimal",
    /// A whole number.
    Cardinal = "cardinal",
    /// Letters and digits in one (9A1, H5N1).
    Alphanumeric = "alphanumeric",
    /// A word that is written short.
    Abbreviation = "abbreviation",
    /// Letters said by their names.
    Letters = "letters",
    /// The score of a match.
    Score = "score",
    /// A latitude or longitude.
    Coordinate = "coordinate",
    /// A road or a place on it.
    Road = "road",
    /// A sign that is said (&, +, =).
    Symbol = "symbol",
    /// Digits that no rule understood, said one by one.
    Digits = "digits",
    /// A sign that nothing is said for.
    Unspoken = "unspoken",
    /// Letters and digits that the writer wants one by one.
    Spelled = "spelled",
    /// Words that the writer marked as another language's, left to a voice that speaks it.
    Foreign = "foreign",
    /// A command of the mark-up, or the part of one that isn't said.
    Markup = "markup",
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
