//! API keys.

use async_trait::async_trait;
use tasker_core::access::ApiKey;
use tasker_core::decide::Rejection;

use super::MemoryStore;
use crate::StoreError;
use crate::keys::{KeyChange, KeyStore};

#[async_trait]
impl KeyStore for MemoryStore {
    async fn add_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.keys.contains_key(&key.id) {
            let message = format!("there is an API key {} already", key.id);
            return Err(StoreError::Refused(Rejection::new("api_key_exists", message)));
        }
        tables.keys.insert(key.id.clone(), key);
        Ok(())
    }

    async fn key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.tables().keys.get(id).cloned())
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let mut keys: Vec<ApiKey> = self.tables().keys.values().cloned().collect();
        keys.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        Ok(keys)
    }

    async fn change_key(&self, id: &str, change: KeyChange) -> Result<Option<ApiKey>, StoreError> {
        let mut tables = self.tables();
        let key = tables.keys.get_mut(id);
        Ok(key.map(|key| {
            change.apply(key);
            key.clone()
        }))
    }
}
