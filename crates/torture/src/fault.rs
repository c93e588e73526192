//! What can be done to nodes, and to the way between them and their server, with what torture has at hand everywhere. Each
//! proves that it was done.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tasker_core::time::Timestamp;

use crate::error::TortureError;
use crate::feed::PATIENCE;
use crate::nodes::Node;
use crate::recovery::Moments;
use crate::relay::Relay;
use crate::world::{Proof, Scene};

/// Executions before something is done, so that it is done in the middle of them.
const WARM_UP: usize = 60;

/// A worker is lost after six seconds without a heartbeat, and found lost with a heartbeat of another one; this is longer.
const BEYOND_LEASE: Duration = Duration::from_secs(10);

/// Time between two looks at what others do.
const LOOK: Duration = Duration::from_millis(20);

/// `kill -9` for one node; another one takes its place.
///
/// # Errors
/// It did not die of that; the database cannot be used.
pub async fn kill(scene: &mut Scene<'_>) -> Result<Proof, TortureError> {
    scene.warmed_up(WARM_UP).await?;
    scene.any_moment().await;
    let died = died(scene, scene.nodes.running[0].name.clone()).await?;
    let name = scene.nodes.kill_oldest()?;
    scene.nodes.add()?;
    scene.warmed_up(WARM_UP).await?;
    Ok(Proof {
        told: format!("{name} died of signal 9"),
        victims: [name].into(),
        moments: Moments { deaths: [died].into(), ..Moments::default() },
        ..Proof::default()
    })
}

/// `kill -9` for all nodes; as many take their place.
///
/// # Errors
/// One did not die of that; the database cannot be used.
pub async fn kill_all(scene: &mut Scene<'_>) -> Result<Proof, TortureError> {
    scene.warmed_up(WARM_UP).await?;
    scene.any_moment().await;
    let n = scene.nodes.running.len();
    let now = scene.now().await?;
    let killed: Vec<String> = (0..n).map(|_| scene.nodes.kill_oldest()).collect::<Result<_, _>>()?;
    (0..n).try_for_each(|_| scene.nodes.add())?;
    scene.warmed_up(WARM_UP).await?;
    Ok(Proof {
        told: format!("{} died of signal 9", killed.join(", ")),
        victims: killed.iter().cloned().collect(),
        moments: Moments {
            deaths: killed.into_iter().map(|name| (name, now)).collect(),
            ..Moments::default()
        },
        ..Proof::default()
    })
}

/// SIGSTOP for one node, until it is lost and others have done its work; then it goes on as if nothing had been.
///
/// # Errors
/// It was not stopped, or did not wake up; the database cannot be used.
pub async fn freeze(scene: &mut Scene<'_>) -> Result<Proof, TortureError> {
    scene.warmed_up(WARM_UP).await?;
    scene.any_moment().await;
    let sleeper = scene.nodes.take_oldest();
    let died = died(scene, sleeper.name.clone()).await?;
    sleeper.process.signal(Signal::STOP)?;
    let frozen = stay_frozen(&sleeper).await;
    // Whatever was found: nobody is left behind asleep.
    sleeper.process.signal(Signal::CONT)?;
    frozen?;
    let name = sleeper.name.clone();
    scene.nodes.running.push(sleeper);
    awake(scene, &name, died.1).await?;
    Ok(Proof {
        told: format!("{name} was stopped for {} s", BEYOND_LEASE.as_secs()),
        victims: [name].into(),
        moments: Moments { deaths: [died].into(), ..Moments::default() },
        ..Proof::default()
    })
}

/// Cuts all connections, some times.
///
/// # Errors
/// There were none; the database cannot be used.
pub async fn cut(scene: &mut Scene<'_>, relay: &Relay) -> Result<Proof, TortureError> {
    const TIMES: usize = 8;
    let (mut n_cut, mut returns) = (0, Vec::new());
    for _ in 0..TIMES {
        scene.warmed_up(WARM_UP).await?;
        n_cut += relay.cut();
        returns.push(scene.now().await?);
    }
    if n_cut < TIMES {
        return Err(TortureError::unproven("cut", format!("{n_cut} connections were cut")));
    }
    Ok(Proof {
        told: format!("{n_cut} connections were cut"),
        moments: Moments { returns, ..Moments::default() },
        ..Proof::default()
    })
}

/// Loses the answers to so many commits.
///
/// # Errors
/// So many are not made; the database cannot be used.
pub async fn lose_answers(
    scene: &mut Scene<'_>,
    relay: &Relay,
    wanted: usize,
) -> Result<Proof, TortureError> {
    scene.warmed_up(WARM_UP).await?;
    let before = relay.lost_commits();
    relay.lose_commits(4);
    let deadline = Instant::now() + PATIENCE;
    while relay.lost_commits() < before + wanted && Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
    relay.lose_commits(0);
    let lost = relay.lost_commits() - before;
    if lost < wanted {
        return Err(TortureError::unproven("lost answers", format!("{lost} commits lost their answer")));
    }
    Ok(Proof {
        told: format!("{lost} commits were done and not answered"),
        moments: Moments { returns: vec![scene.now().await?], ..Moments::default() },
        ..Proof::default()
    })
}

/// Lets everything take its time on the way, and then for longer than a lease all that is under way stand still.
///
/// # Errors
/// Nothing was delayed; the database cannot be used.
pub async fn slow(scene: &mut Scene<'_>, relay: &Relay) -> Result<Proof, TortureError> {
    scene.warmed_up(WARM_UP).await?;
    let before = relay.delayed();
    relay.delay(Duration::from_millis(200));
    tokio::time::sleep(Duration::from_secs(4)).await;
    relay.delay(BEYOND_LEASE);
    // Only a moment: what passes in it is what stands still.
    tokio::time::sleep(Duration::from_millis(300)).await;
    relay.delay(Duration::ZERO);
    tokio::time::sleep(BEYOND_LEASE).await;
    let n = relay.delayed() - before;
    if n == 0 {
        return Err(TortureError::unproven("slow", "nothing was delayed"));
    }
    Ok(Proof {
        told: format!("{n} packets were delayed, the last ones by {} s", BEYOND_LEASE.as_secs()),
        moments: Moments { returns: vec![scene.now().await?], ..Moments::default() },
        ..Proof::default()
    })
}

/// A node that is about to die, and the moment, read before, so that what is measured is not shorter than what happens.
/// Waits until the node has something to lose.
async fn died(scene: &Scene<'_>, name: String) -> Result<(String, Timestamp), TortureError> {
    let what = format!("{name} to run steps");
    let now = eventually(&what, async || {
        let now = scene.now().await?;
        let workers = scene.engine.workers().await?;
        let has_work =
            workers.iter().any(|worker| worker.name == name && worker.is_live() && worker.running > 0);
        Ok(has_work.then_some(now))
    })
    .await?;
    Ok((name, now))
}

/// A process that is told to stop does so when each of its threads is looked at next; from then on it has to stay.
async fn stay_frozen(sleeper: &Node) -> Result<(), TortureError> {
    let what = format!("{} to be stopped", sleeper.name);
    eventually(&what, async || Ok(sleeper.process.is_frozen().then_some(()))).await?;
    let until = Instant::now() + BEYOND_LEASE;
    while Instant::now() < until {
        tokio::time::sleep(LOOK).await;
        if !sleeper.process.is_frozen() {
            return Err(TortureError::unproven("freeze", format!("{} did not stay stopped", sleeper.name)));
        }
    }
    Ok(())
}

/// Waits until the database has heard from a node since then.
async fn awake(scene: &Scene<'_>, name: &str, since: Timestamp) -> Result<(), TortureError> {
    let asleep = since.plus(BEYOND_LEASE);
    eventually(&format!("{name} to wake up"), async || {
        let workers = scene.engine.workers().await?;
        let is_awake = workers
            .iter()
            .any(|worker| worker.name == name && worker.is_live() && worker.heartbeat_at >= asleep);
        Ok(is_awake.then_some(()))
    })
    .await
}

/// Looks again and again until there is something to answer.
async fn eventually<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Option<T>, TortureError>,
) -> Result<T, TortureError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = look().await? {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            return Err(TortureError::patience(PATIENCE, what));
        }
        tokio::time::sleep(LOOK).await;
    }
}
