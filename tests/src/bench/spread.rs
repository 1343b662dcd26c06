//! How measured times lie.

/// Some values of one kind, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    /// Of these values, at least one.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The value that `percent` of all do not exceed (nearest rank); not a number where there is none.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let rank = (percent / 100.0 * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    /// Name, half, nine in ten, 99 in a hundred and the largest, as a row of a table.
    pub(crate) fn row(&self, name: &str) -> Vec<String> {
        let percentiles = [50.0, 90.0, 99.0, 100.0].map(|percent| format!("{:.2}", self.percentile(percent)));
        std::iter::once(name.to_owned()).chain(percentiles).collect()
    }
}

/// The headings of [`Spread::row`].
pub(crate) const HEADINGS: [&str; 5] = ["milliseconds", "p50", "p90", "p99", "max"];

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let spread = Spread::of((1..=200).rev().map(f64::from));
        assert_eq!(
            (spread.percentile(50.0), spread.percentile(99.0), spread.percentile(100.0)),
            (100.0, 198.0, 200.0)
        );
        assert_eq!(Spread::of([7.0]).row("x"), ["x", "7.00", "7.00", "7.00", "7.00"]);
        assert!(Spread::of([]).percentile(99.0).is_nan());
    }
}
