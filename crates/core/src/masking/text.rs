//! Credentials in free text, found by their form: passwords in addresses, `Bearer` and `Basic` followed by a token, and
//! `key=value` or `"key":"value"` whose key is secret. Rather too much is masked than too little.

use super::Masking;

/// What ends a word.
const ENDS: &[char] =
    &[' ', '\t', '\r', '\n', ',', ';', '(', ')', '[', ']', '{', '}', '<', '>', '"', '\'', '`', '\\'];

/// What follows one of these words, in any case, is a token if it is long enough.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

/// Shortest token.
const SHORTEST_TOKEN: usize = 8;

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Plain,
    /// A token, if it is long.
    Token,
    /// The value of a secret key.
    Secret,
}

impl Masking {
    /// Masks the credentials in a text.
    pub fn mask_text(&self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let (mut next, mut key_is_secret) = (Next::Plain, false);
        for piece in text.split_inclusive(ENDS) {
            let word = piece.strip_suffix(ENDS).unwrap_or(piece);
            let end = &piece[word.len()..];
            if word.is_empty() {
                masked.push_str(end);
                continue;
            }
            if is_between(word) {
                next = if key_is_secret { Next::Secret } else { Next::Plain };
                masked.push_str(piece);
                continue;
            }
            let is_masked = next == Next::Secret || (next == Next::Token && word.len() >= SHORTEST_TOKEN);
            let is_scheme = SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
            if is_masked && !is_scheme {
                masked.push_str(&self.mask);
            } else {
                masked.push_str(&self.mask_word(word));
            }
            masked.push_str(end);
            let key = word.trim_end_matches([':', '=']);
            key_is_secret = self.is_secret(key);
            next = match () {
                () if is_scheme => Next::Token,
                () if key_is_secret && key.len() < word.len() => Next::Secret,
                () => Next::Plain,
            };
        }
        masked
    }

    /// Masks what is secret inside of one word.
    fn mask_word(&self, word: &str) -> String {
        let word = self.mask_address(word);
        let parts = word.split_inclusive(['?', '&']).map(|part| match part.split_once('=') {
            Some((key, value)) if !value.is_empty() && self.is_secret(key) => {
                let end = &value[value.trim_end_matches(['?', '&']).len()..];
                format!("{key}={}{end}", self.mask)
            }
            _ => part.to_owned(),
        });
        parts.collect()
    }

    /// Masks the password of an address: from the first colon of its authority to the last `@` before its query.
    fn mask_address(&self, word: &str) -> String {
        let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
        let query = rest.find('?').unwrap_or(rest.len());
        let (before, query) = rest.split_at(query);
        match (before.find(':'), before.rfind('@')) {
            (Some(colon), Some(at)) if colon < at && !before[..colon].contains('/') => {
                format!("{scheme}://{}:{}{}{query}", &before[..colon], self.mask, &before[at..])
            }
            _ => word.to_owned(),
        }
    }
}

/// Whether a word only stands between a key and its value.
fn is_between(word: &str) -> bool {
    word.chars().all(|c| matches!(c, ':' | '='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Masking::default().mask_text(text), expected);
    }

    #[test]
    fn passwords_in_addresses_are_masked() {
        check("at postgres://me:p4ss@db:5432/x, twice", "at postgres://me:[FILTERED]@db:5432/x, twice");
        check("https://me:a/b@c@host/path?x=1", "https://me:[FILTERED]@host/path?x=1");
        check("postgres://db/x?user=me&password=p4ss&a=b", "postgres://db/x?user=me&password=[FILTERED]&a=b");
        check("https://host:80/a?to=b@c", "https://host:80/a?to=b@c");
        check("sqlite:/var/lib/tasker.db", "sqlite:/var/lib/tasker.db");
    }

    #[test]
    fn tokens_after_their_scheme_are_masked() {
        check("Authorization: Bearer abcdef123456", "Authorization: Bearer [FILTERED]");
        check("sent Basic dXNlcjpwYXNz to it", "sent Basic [FILTERED] to it");
        check("a bearer token", "a bearer token");
    }

    #[test]
    fn values_of_secret_keys_are_masked() {
        check(r#"got {"password":"p4ss","n":"ok"}"#, r#"got {"password":"[FILTERED]","n":"ok"}"#);
        check(r#"got {\"api_key\": \"k1\"}"#, r#"got {\"api_key\": \"[FILTERED]\"}"#);
        check("password=p4ss user=me", "password=[FILTERED] user=me");
        check("token: t0k3n", "token: [FILTERED]");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in
            ["", "a step began", "the token of the issuer", "x=1, y = 2", "\"quoted\" \\ back\n", "é ü"]
        {
            check(text, text);
        }
    }
}
