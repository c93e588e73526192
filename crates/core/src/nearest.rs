//! The nearest right word for a wrong one.

/// How alike two words must be (1 is equal) to be proposed.
const ALIKE: f64 = 0.6;

/// Longest word, in characters, that is compared at all: to compare takes the product of both lengths.
const LONGEST: usize = 256;

/// The candidate most like the word, if one is like it at all; of equals the first by the alphabet, in whatever order they come.
/// Case does not count.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let likeness = likeness(&word, &candidate.to_lowercase());
        let is_better =
            |(most, so_far): (f64, &str)| likeness > most || (likeness == most && candidate < so_far);
        if likeness >= ALIKE && best.is_none_or(is_better) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `; did you mean ...?`, or nothing.
pub fn proposal(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

fn likeness(a: &str, b: &str) -> f64 {
    let longest = a.chars().count().max(b.chars().count());
    if longest > LONGEST {
        return 0.0;
    }
    // Words of very different length cannot be alike; telling so early keeps a search among 20,000 names short.
    if longest == 0 || a.len().abs_diff(b.len()) * 2 > longest {
        return 0.0;
    }
    1.0 - strsim::osa_distance(a, b) as f64 / longest as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_candidate_wins() {
        let names = ["reserve_stock", "charge_card", "send_mail"];
        assert_eq!(nearest("charge_crad", names), Some("charge_card"));
        assert_eq!(nearest("Reserve-Stock", names), Some("reserve_stock"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(nearest("", names), None);
        let long = "a".repeat(LONGEST);
        assert_eq!(nearest(&format!("b{}", &long[1..]), [long.as_str()]), Some(long.as_str()));
        assert_eq!(nearest(&long, [format!("{long}a").as_str()]), None);
    }

    #[test]
    fn the_order_of_candidates_does_not_count() {
        for names in [["Motify", "n/tify"], ["n/tify", "Motify"]] {
            assert_eq!(nearest("notify", names), Some("Motify"));
        }
    }
}
