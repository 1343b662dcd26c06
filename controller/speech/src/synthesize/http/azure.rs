//! Azure Speech.
//!
//! Source: <https://learn.microsoft.com/azure/ai-services/speech-service/rest-text-to-speech>: `POST
//! https://{region}.tts.speech.microsoft.com/cognitiveservices/v1`, headers `Ocp-Apim-Subscription-Key`,
//! `X-Microsoft-OutputFormat`, `User-Agent`, body in SSML; the answer is the sound's bytes.

use reqwest::Url;
use reqwest::header::HeaderValue;

use super::exchange::{Answer, Ask, Read, secret_header};
use super::{Dialect, Line, at};
use crate::secret::Secret;

pub(super) struct Azure {
    url: Url,
    key: HeaderValue,
}

impl Azure {
    pub(super) fn new(base: Url, secret: &Secret) -> Result<Self, String> {
        Ok(Self { url: at(&base, "/cognitiveservices/v1"), key: secret_header(secret.reveal())? })
    }
}

impl Dialect for Azure {
    fn ask(&self, line: &Line<'_>) -> Result<Ask, String> {
        Ok(Ask::post(self.url.clone(), ssml(line).into_bytes())
            .with("content-type", HeaderValue::from_static("application/ssml+xml"))
            .with("ocp-apim-subscription-key", self.key.clone())
            .with("x-microsoft-outputformat", HeaderValue::from_static("riff-24khz-16bit-mono-pcm")))
    }

    fn read(&self, answer: Answer) -> Read {
        Read::Audio(answer.body)
    }
}

fn ssml(line: &Line<'_>) -> String {
    let percent = ((line.speed.clamp(0.5, 2.0) - 1.0) * 100.0).round();
    // `vi-VN-HoaiMyNeural` speaks `vi-VN`.
    let language: Vec<&str> = line.voice.splitn(3, '-').take(2).collect();
    format!(
        "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"{}\">\
         <voice name=\"{}\"><prosody rate=\"{percent:+}%\">{}</prosody></voice></speak>",
        escaped(&language.join("-")),
        escaped(line.voice),
        escaped(line.text)
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_not_leave_its_place_in_the_ssml() {
        let line =
            Line { text: "</prosody> & \"A\"", voice: "vi-VN-HoaiMyNeural", language: "vi", speed: 0.8 };
        let text = ssml(&line);
        assert!(text.contains("rate=\"-20%\">&lt;/prosody&gt; &amp; &quot;A&quot;</prosody>"), "{text}");
        assert!(text.contains("xml:lang=\"vi-VN\""), "{text}");
    }
}
