//! Tests of the judgement of claims.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{BadJwt, JwtRules};
use crate::access::{Claims, PrincipalKind};
use crate::time::Timestamp;

const NOW: i64 = 1_770_000_000;

fn rules() -> JwtRules {
    JwtRules::new("https://issuer.example", ["tasker".to_owned()])
}

/// A good token, changed; `null` takes a claim away.
fn judge(rules: &JwtRules, changes: Value) -> Result<Claims, BadJwt> {
    let mut payload = json!({
        "iss": "https://issuer.example", "aud": "tasker", "sub": "ada", "exp": NOW + 60, "iat": NOW,
    });
    let claims = payload.as_object_mut().unwrap();
    claims.extend(changes.as_object().unwrap().clone());
    rules.judge(claims, Timestamp::from_micros(NOW * 1_000_000))
}

fn reason(rules: &JwtRules, changes: Value) -> &'static str {
    judge(rules, changes).map_or_else(|bad| bad.reason(), |_| "good")
}

#[test]
fn api_79_clocks_may_differ_by_the_leeway() {
    let cases = [
        (json!({"exp": NOW - 31}), "expired"),
        (json!({"exp": NOW - 30}), "expired"),
        (json!({"exp": NOW - 29}), "good"),
        (json!({"exp": NOW as f64 - 29.5}), "good"),
        (json!({"nbf": NOW + 30}), "good"),
        (json!({"nbf": NOW + 31}), "not_yet_valid"),
        (json!({"nbf": NOW + 3_600}), "not_yet_valid"),
        (json!({"iat": NOW + 30}), "good"),
        (json!({"iat": NOW + 31}), "not_yet_valid"),
        (json!({"iat": null}), "good"),
    ];
    for (changes, expected) in cases {
        assert_eq!(reason(&rules(), changes.clone()), expected, "{changes}");
    }
}

#[test]
fn an_age_may_be_limited() {
    let young = JwtRules { max_age: Some(Duration::from_secs(300)), ..rules() };
    assert_eq!(reason(&young, json!({"iat": NOW - 329})), "good");
    assert_eq!(reason(&young, json!({"iat": NOW - 330})), "expired");
    assert_eq!(reason(&young, json!({"iat": null})), "malformed");
}

#[test]
fn api_80_every_claim_that_is_required_is_looked_at() {
    let cases = [
        (json!({"aud": "other"}), "wrong_audience"),
        (json!({"aud": ["other"]}), "wrong_audience"),
        (json!({"aud": []}), "wrong_audience"),
        (json!({"aud": null}), "wrong_audience"),
        (json!({"aud": {"tasker": "tasker"}}), "wrong_audience"),
        (json!({"aud": "taskerx"}), "wrong_audience"),
        (json!({"aud": ["other", "tasker"]}), "good"),
        (json!({"iss": "https://issuer.example/"}), "wrong_issuer"),
        (json!({"iss": ["https://issuer.example"]}), "wrong_issuer"),
        (json!({"iss": null}), "wrong_issuer"),
        (json!({"exp": null}), "malformed"),
        (json!({"exp": "1770000060"}), "malformed"),
        (json!({"exp": 1e300}), "malformed"),
        (json!({"exp": -1}), "malformed"),
        (json!({"nbf": "soon"}), "malformed"),
        (json!({"iat": []}), "malformed"),
        (json!({"sub": null}), "malformed"),
        (json!({"sub": ""}), "malformed"),
        (json!({"sub": 42}), "malformed"),
        (json!({"sub": "a\nb"}), "malformed"),
        (json!({"sub": "x".repeat(129)}), "malformed"),
        (json!({"roles": [1]}), "malformed"),
        (json!({"scope": 1}), "malformed"),
    ];
    for (changes, expected) in cases {
        assert_eq!(reason(&rules(), changes.clone()), expected, "{changes}");
    }
}

#[test]
fn a_good_token_says_who_its_holder_is() {
    let changes = json!({
        "name": "Ada L.", "roles": ["viewer", "clerk"], "scope": "openid tasker.task:create@payments",
        "scp": ["tasker.task:show#own"],
    });
    let ada = judge(&rules(), changes).unwrap();
    assert_eq!(
        (ada.id.as_str(), ada.display_name.as_str(), ada.kind),
        ("ada", "Ada L.", PrincipalKind::User)
    );
    assert_eq!(ada.roles, ["viewer", "clerk"]);
    let grants: Vec<String> = ada.grants.iter().map(ToString::to_string).collect();
    assert_eq!(grants, ["tasker.task:create@payments", "tasker.task:show#own"]);
    assert_eq!((ada.namespaces, ada.strategy), (None, "jwt"));
    assert_eq!(ada.expires_at, Some(Timestamp::from_micros((NOW + 60) * 1_000_000)));
    assert_eq!(judge(&rules(), json!({})).unwrap().display_name, "ada");
    assert_eq!(judge(&rules(), json!({"name": 7})).unwrap().display_name, "ada");
    assert_eq!(judge(&rules(), json!({"client_id": "ada"})).unwrap().kind, PrincipalKind::Service);
}

#[test]
fn claims_are_found_where_the_rules_say() {
    let nested = JwtRules {
        roles_claim: "realm_access.roles".into(),
        principal_claim: "https://issuer.example/user.id".into(),
        ..rules()
    };
    let changes = json!({
        "sub": null, "https://issuer.example/user.id": "eve", "realm_access": {"roles": "viewer operator"},
    });
    let eve = judge(&nested, changes).unwrap();
    assert_eq!((eve.id.as_str(), eve.roles), ("eve", vec!["viewer".to_owned(), "operator".to_owned()]));
}

#[test]
fn who_is_limited_to_namespaces_is_never_unlimited_by_leaving_them_out() {
    let limited = JwtRules { namespaces_claim: Some("namespaces".into()), ..rules() };
    let namespaces = |changes| {
        let found = judge(&limited, changes).unwrap().namespaces;
        found.map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(namespaces(json!({"namespaces": ["b", "a"]})), Some(vec!["a".into(), "b".into()]));
    assert_eq!(namespaces(json!({"namespaces": ["*"]})), None);
    assert_eq!(namespaces(json!({})), Some(Vec::new()));
    assert_eq!(reason(&limited, json!({"namespaces": ["no such name"]})), "malformed");
    assert_eq!(reason(&limited, json!({"namespaces": true})), "malformed");
}

#[test]
fn a_token_that_was_taken_back_is_not_good() {
    let some = JwtRules { revoked: BTreeSet::from(["stolen".into()]), ..rules() };
    assert_eq!(reason(&some, json!({"jti": "stolen"})), "revoked");
    assert_eq!(reason(&some, json!({"jti": "other"})), "good");
    assert_eq!(reason(&some, json!({})), "good");
    assert_eq!(reason(&some, json!({"jti": 1})), "malformed");
}

#[test]
fn everything_wrong_with_rules_is_told_at_once() {
    assert_eq!(rules().problems(), Vec::<String>::new());
    let wrong = JwtRules {
        leeway: Duration::from_secs(121),
        max_age: Some(Duration::ZERO),
        ..JwtRules::new(" ", [String::new()])
    };
    assert_eq!(wrong.problems().len(), 4);
}
