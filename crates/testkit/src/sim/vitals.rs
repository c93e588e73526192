//! One life of one node: whether it runs, stands still or is dead, and the weather between it and the store.

use std::sync::Mutex;

use tokio::sync::Notify;

use super::shared::lock;

/// How a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    /// It runs.
    Awake,
    /// It stands still, as if its process were stopped by a signal.
    Frozen,
    /// It was killed, or has ended.
    Dead,
}

/// What can go wrong between a node and the store, each in so many of a hundred calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) name: &'static str,
    /// The call fails, and had no effect.
    pub(super) refused: usize,
    /// Nobody knows whether it had an effect: it had.
    pub(super) answer_lost: usize,
    /// Nobody knows whether it had an effect: it had none.
    pub(super) request_lost: usize,
    /// Nobody knows whether it had an effect: it will have one soon.
    pub(super) delayed: usize,
    /// Another session holds some of its tasks.
    pub(super) blocked: usize,
    /// It takes seconds.
    pub(super) slow: usize,
    /// A hint of another node is lost.
    pub(super) hints_lost: usize,
}

/// Nothing goes wrong.
pub(super) const FAIR: Weather = Weather {
    name: "fair",
    refused: 0,
    answer_lost: 0,
    request_lost: 0,
    delayed: 0,
    blocked: 0,
    slow: 0,
    hints_lost: 0,
};

/// What a node can come into.
pub(super) const WEATHERS: [Weather; 9] = [
    FAIR,
    Weather { name: "drizzle", refused: 4, answer_lost: 4, blocked: 3, slow: 2, hints_lost: 30, ..FAIR },
    Weather {
        name: "storm",
        refused: 20,
        answer_lost: 15,
        request_lost: 10,
        delayed: 10,
        blocked: 5,
        slow: 5,
        hints_lost: 70,
    },
    Weather { name: "no connection", refused: 100, hints_lost: 100, ..FAIR },
    Weather { name: "answers lost", answer_lost: 60, hints_lost: 100, ..FAIR },
    Weather { name: "answers late", delayed: 50, slow: 10, hints_lost: 50, ..FAIR },
    Weather { name: "tasks held", blocked: 50, hints_lost: 20, ..FAIR },
    Weather { name: "slow", slow: 30, hints_lost: 20, ..FAIR },
    Weather { name: "deaf", hints_lost: 100, ..FAIR },
];

/// One life of one node.
pub(super) struct Vitals {
    /// Node and life, such as `n1.2`.
    pub(super) name: String,
    life: Mutex<Life>,
    changed: Notify,
    weather: Mutex<Weather>,
    hint: Notify,
}

impl Vitals {
    pub(super) fn new(node: usize, life: usize) -> Self {
        Self {
            name: format!("n{node}.{life}"),
            life: Mutex::new(Life::Awake),
            changed: Notify::new(),
            weather: Mutex::new(FAIR),
            hint: Notify::new(),
        }
    }

    pub(super) fn life(&self) -> Life {
        *lock(&self.life)
    }

    /// Changes how the node is; the dead stay dead. Says whether anything changed.
    pub(super) fn turn(&self, new: Life) -> bool {
        let before = self.life();
        let changes = before != Life::Dead && before != new;
        if changes {
            *lock(&self.life) = new;
            self.changed.notify_waiters();
        }
        changes
    }

    /// Resolves when the node runs; never if it is dead.
    pub(super) async fn awake(&self) {
        self.until(Life::Awake).await;
    }

    /// Resolves when the node is dead.
    pub(super) async fn died(&self) {
        self.until(Life::Dead).await;
    }

    /// Not a `watch` channel: that one wakes those who wait in an order of its own chance.
    async fn until(&self, wanted: Life) {
        loop {
            let changed = self.changed.notified();
            if self.life() == wanted {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn weather(&self) -> Weather {
        *lock(&self.weather)
    }

    pub(super) fn set_weather(&self, weather: Weather) {
        *lock(&self.weather) = weather;
    }

    /// There may be work.
    pub(super) fn hint(&self) {
        self.hint.notify_one();
    }

    pub(super) async fn hinted(&self) {
        self.hint.notified().await;
    }
}
