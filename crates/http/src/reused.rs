//! Answers that cost much to find: found once however many ask at the same time, and used again for a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tasker_core::survey::figures::seconds;
use tasker_wire::CacheInfo;

/// Most questions whose answers are kept. Beyond it, all are forgotten: whoever asks so many different things gains nothing
/// from what is kept.
const MOST_QUESTIONS: usize = 256;

/// The headers of such an answer.
pub(crate) const HEADERS: &[(&str, &str)] = &[("Age", "How old the answer is, in seconds")];

/// Answers to questions, each kept for a while. Failures are not kept.
pub(crate) struct Reused<K, V> {
    places: Mutex<HashMap<K, Place<V>>>,
}

type Place<V> = Arc<tokio::sync::Mutex<Option<Kept<V>>>>;

struct Kept<V> {
    value: V,
    at: Instant,
    lasts: Duration,
}

/// An answer, and how old it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Aged<V> {
    pub(crate) value: V,
    /// `None`: it was found for whoever asked now.
    pub(crate) age: Option<Duration>,
    /// How long it is used, from when it was found.
    pub(crate) lasts: Duration,
}

impl<V> Aged<V> {
    /// What is told of it.
    pub(crate) fn cache_info(&self) -> CacheInfo {
        CacheInfo {
            cached: self.age.is_some(),
            age_seconds: seconds(self.age.unwrap_or_default()),
            ttl_seconds: seconds(self.lasts),
        }
    }
}

impl<K, V> Default for Reused<K, V> {
    fn default() -> Self {
        Self { places: Mutex::default() }
    }
}

impl<K: Eq + Hash, V: Clone> Reused<K, V> {
    /// The answer to a question: the one that is kept, or a new one with the time that it may be used for. Whoever asks the
    /// same meanwhile waits for it.
    pub(crate) async fn get<E>(
        &self,
        question: K,
        find: impl Future<Output = Result<(V, Duration), E>>,
    ) -> Result<Aged<V>, E> {
        let place = self.place(question);
        let mut kept = place.lock().await;
        if let Some(kept) = kept.as_ref()
            && kept.at.elapsed() < kept.lasts
        {
            let age = Some(kept.at.elapsed());
            return Ok(Aged { value: kept.value.clone(), age, lasts: kept.lasts });
        }
        let (value, lasts) = find.await?;
        *kept = Some(Kept { value: value.clone(), at: Instant::now(), lasts });
        Ok(Aged { value, age: None, lasts })
    }

    fn place(&self, question: K) -> Place<V> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MOST_QUESTIONS && !places.contains_key(&question) {
            places.clear();
        }
        places.entry(question).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn many_who_ask_at_once_get_one_answer() {
        let reused = Reused::default();
        let found = AtomicUsize::new(0);
        let ask = || {
            reused.get("how many?", async {
                tokio::task::yield_now().await;
                Ok::<_, ()>((found.fetch_add(1, Ordering::Relaxed), LONG))
            })
        };
        let answers = futures::future::join_all((0..50).map(|_| ask())).await;
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap().value == 0), "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| answer.as_ref().unwrap().age.is_none()).count(), 1);
    }

    #[tokio::test]
    async fn what_is_too_old_or_failed_is_found_anew() {
        let reused = Reused::default();
        let ask = |answer: Result<u8, ()>, lasts| {
            let found = reused.get("which?", async move { answer.map(|value| (value, lasts)) });
            async { found.await.map(|aged| aged.value) }
        };
        assert_eq!(ask(Err(()), LONG).await, Err(()));
        assert_eq!(ask(Ok(1), Duration::ZERO).await, Ok(1));
        assert_eq!(ask(Ok(2), LONG).await, Ok(2));
        assert_eq!(ask(Ok(3), LONG).await, Ok(2));
    }

    #[tokio::test]
    async fn questions_are_told_apart_and_forgotten_beyond_a_number() {
        let reused = Reused::default();
        for question in 0..=MOST_QUESTIONS {
            let answer = reused.get(question, async { Ok::<_, ()>((question, LONG)) }).await.unwrap();
            assert_eq!(answer.value, question);
        }
        assert_eq!(reused.places.lock().unwrap().len(), 1);
    }
}
