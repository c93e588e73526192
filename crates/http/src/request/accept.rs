//! What the caller takes: the header `Accept` (RFC 9110 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The media type among those offered that the caller likes best, the first among equals; `None` if it takes none of them.
/// Whoever says nothing takes all.
pub(crate) fn best<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Option<&'a str> {
    let texts: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let ranges: Vec<Range<'_>> =
        texts.iter().flat_map(|text| text.split(',')).filter_map(Range::parse).collect();
    if ranges.is_empty() {
        return if texts.iter().all(|text| text.trim().is_empty()) { offered.first().copied() } else { None };
    }
    let mut best: Option<(u16, &str)> = None;
    for media in offered {
        let quality = quality(&ranges, media);
        if quality > best.map_or(0, |(before, _)| before) {
            best = Some((quality, media));
        }
    }
    best.map(|(_, media)| media)
}

/// A range of media types, and how much it is liked, in thousandths.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    /// `None` for what is none, and for one with parameters other than `charset`: no form here has them.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut quality = 1_000;
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => quality = thousandths(value.trim())?,
                "charset" => {}
                _ => return None,
            }
        }
        Some(Self { kind, subtype, quality })
    }

    /// How closely it names a media type; `None`: not at all.
    fn closeness(&self, media: &str) -> Option<u8> {
        let (kind, subtype) = media.split_once('/')?;
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (mine, "*") if mine.eq_ignore_ascii_case(kind) => Some(1),
            (mine, sub) if mine.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => Some(2),
            _ => None,
        }
    }
}

/// The range that names a media type most closely decides.
fn quality(ranges: &[Range<'_>], media: &str) -> u16 {
    let closest = ranges
        .iter()
        .filter_map(|range| Some((range.closeness(media)?, range.quality)))
        .max_by_key(|(closeness, _)| *closeness);
    closest.map_or(0, |(_, quality)| quality)
}

/// `0.75` is 750.
fn thousandths(text: &str) -> Option<u16> {
    let value: f32 = text.parse().ok()?;
    // Between 0 and 1000: nothing is cut off.
    (0.0..=1.0).contains(&value).then_some((value * 1_000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const OFFERED: &[&str] = &["application/json", "text/html", "text/plain"];

    #[test]
    fn the_caller_chooses() {
        let check = |accepted: &[&'static str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in accepted {
                headers.append(ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(best(&headers, OFFERED), expected, "{accepted:?}");
        };
        check(&[], Some("application/json"));
        check(&[""], Some("application/json"));
        check(&["*/*"], Some("application/json"));
        check(&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], Some("text/html"));
        check(&["TEXT/*"], Some("text/html"));
        check(&["text/*;q=0.5, text/html;q=0"], Some("text/plain"));
        check(&["text/plain; q=0.2", "application/json;q=0.1"], Some("text/plain"));
        check(&["*/*, application/json;q=0"], Some("text/html"));
        check(&["application/pdf"], None);
        check(&["application/json;q=0"], None);
        for garbage in ["json", "text/html;q=2", "text/html;q=NaN", "text/html;level=1", ";", "/"] {
            check(&[garbage], None);
        }
    }
}
