//! API keys.

use tasker_core::access::{ApiKey, api_key};
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use tasker_store::keys::KeyChange;

use crate::StoreUnderTest;
use crate::definitions::namespace;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
}

fn key(n: u8) -> ApiKey {
    let (id, _, digest) = api_key::mint([n; 8], [n; 32]);
    ApiKey {
        id,
        name: format!("till-{n}"),
        digest,
        roles: vec!["viewer".into(), "clerk".into()],
        grants: vec!["tasker.task:create@shop".parse().expect("a grant")],
        namespaces: None,
        created_at: at(i64::from(n)),
        created_by: "ada".into(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}

pub async fn keys_are_kept_as_they_are(store: StoreUnderTest) {
    let keys = store.store.key_store();
    assert_eq!(keys.keys().await.expect("list"), []);
    let limited = ApiKey {
        namespaces: Some([namespace("shop"), namespace("lab")].into()),
        expires_at: Some(at(100)),
        revoked_at: Some(at(50)),
        last_used_at: Some(at(40)),
        grants: Vec::new(),
        ..key(2)
    };
    let nowhere = ApiKey { namespaces: Some([].into()), roles: Vec::new(), ..key(3) };
    for key in [&key(1), &limited, &nowhere] {
        keys.add_key(key.clone()).await.expect("add");
        assert_eq!(keys.key(&key.id).await.expect("read").as_ref(), Some(key));
    }
    assert_eq!(keys.keys().await.expect("list"), [nowhere, limited, key(1)]);
    assert_eq!(keys.key("0000000000000000").await.expect("read"), None);
    match keys.add_key(ApiKey { name: "another".into(), ..key(1) }).await {
        Err(StoreError::Refused(rejection)) => assert_eq!(rejection.code, "api_key_exists"),
        other => panic!("{other:?}"),
    }
    assert_eq!(keys.key(&key(1).id).await.expect("read"), Some(key(1)));
}

pub async fn keys_end_once_and_never_later(store: StoreUnderTest) {
    let keys = store.store.key_store();
    keys.add_key(key(1)).await.expect("add");
    keys.add_key(key(2)).await.expect("add");
    let mut expected = key(1);
    for change in [
        KeyChange::UsedAt(at(5)),
        KeyChange::UsedAt(at(3)),
        KeyChange::ExpiresAt(at(90)),
        KeyChange::ExpiresAt(at(95)),
        KeyChange::ExpiresAt(at(80)),
        KeyChange::Revoked(at(10)),
        KeyChange::Revoked(at(11)),
        KeyChange::UsedAt(at(60)),
    ] {
        change.apply(&mut expected);
        let changed = keys.change_key(&expected.id, change).await.expect("change");
        assert_eq!(changed.as_ref(), Some(&expected), "{change:?}");
        assert_eq!(keys.key(&expected.id).await.expect("read"), changed);
    }
    let ends = (expected.expires_at, expected.revoked_at, expected.last_used_at);
    assert_eq!(ends, (Some(at(80)), Some(at(10)), Some(at(60))));
    assert_eq!(keys.key(&key(2).id).await.expect("read"), Some(key(2)), "the other one is as it was");
    assert_eq!(keys.change_key("0000000000000000", KeyChange::Revoked(at(1))).await.expect("change"), None);
}
