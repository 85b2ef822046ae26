//! `lab`: the loads and faults of the originals against this server, in this process, over real HTTP.

mod client;
mod findings;
mod load;
mod report;
mod scene;

use crate::{
    app::{
        Failure, Listening, PassedSockets, bind_listeners, print_text, serve_system, stop_signal,
    },
    config::{Config, Flags},
    http::Drain,
    systems,
};
use client::Client;
use findings::Findings;
use load::Figures;
use reqwest::Method;
use scene::{SCENES, Scene};
use serde_json::json;
use std::{
    cell::RefCell,
    collections::VecDeque,
    io::Write,
    net::SocketAddr,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

/// What is to be tried.
#[derive(Debug, clap::Args)]
pub struct Lab {
    /// The system: `bookrent`.
    system: String,
    /// Customers at once; as many as the original had, when left out.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    users: Option<u64>,
    /// For how long; as long as the original's test, when left out.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: Option<u64>,
    /// How often who does not answer is asked; once and then twice, when left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=2))]
    tries: Option<u32>,
}

impl Lab {
    /// Runs it, and reports what came of it.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be tried, or when a promise is broken.
    pub fn run(&self) -> Result<(), Failure> {
        let mut broken = 0;
        for scene in self.chosen_scenes()? {
            let users = self.users.unwrap_or(scene.users);
            let seconds = self.seconds.unwrap_or(scene.seconds);
            let timeout = systems::ask_timeout_millis(scene.system).unwrap_or_default();
            // A system that only reads asks no other.
            let tries =
                if scene.orders().is_some() { self.tries.map_or(1..=2, |n| n..=n) } else { 1..=1 };
            for tries in tries {
                print_text(&report::write_heading(scene, (users, seconds, tries), timeout))?;
                let found = run_experiment(scene, users, seconds, tries)?;
                broken += found.promises.iter().filter(|promise| !promise.kept).count();
                print_text(&format!("{}\n", report::write_report(scene, &found)))?;
            }
        }
        match broken {
            0 => Ok(()),
            1 => Err(Failure::Failed("a promise is broken".into())),
            more => Err(Failure::Failed(format!("{more} promises are broken"))),
        }
    }

    /// The loads of the system.
    fn chosen_scenes(&self) -> Result<Vec<&'static Scene>, Failure> {
        let scenes: Vec<_> = SCENES.iter().filter(|scene| scene.system == self.system).collect();
        if !scenes.is_empty() {
            return Ok(scenes);
        }
        let there = systems::NAMES.iter().copied();
        let there = there.filter(|name| SCENES.iter().any(|scene| scene.system == *name));
        let names: Vec<_> = there.collect();
        let system = &self.system;
        Err(Failure::Usage(format!(
            "no lab for `{system}`; there is one for: {}",
            names.join(", ")
        )))
    }
}

/// A directory that is removed again.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("holdfast-lab-{}", uuid::Uuid::now_v7()));
        let failed = |why| Failure::Failed(format!("{}: {why}", path.display()));
        std::fs::create_dir(&path).map_err(failed)?;
        Ok(Self(path))
    }
}
impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a server as `serve` does, on data of its own, until the customers have done with it.
fn run_experiment(
    scene: &'static Scene,
    users: u64,
    seconds: u64,
    tries: u32,
) -> Result<Findings, Failure> {
    let scratch = Scratch::new()?;
    let flags = Flags {
        listen: Some("127.0.0.1:0".into()),
        data: Some(scratch.0.join("data").display().to_string()),
        systems: vec![scene.system.into()],
        ..Flags::default()
    };
    let guard = scene.orders().map(|orders| orders.asked.to_uppercase().replace('.', "__"));
    let guard = guard.map(|asked| (format!("HOLDFAST_GUARD__{asked}__TRIES"), tries.to_string()));
    let config = Config::load(None, guard, flags)?;
    let Listening { listeners, address, .. } =
        bind_listeners(&config.settings, PassedSockets::default())?;
    let found = Rc::new(RefCell::new(Err(Failure::Failed("stopped before the end".into()))));
    let finished = {
        let found = found.clone();
        async move {
            tokio::select! {
                findings = observe_system(address, scene, users, seconds, tries) => *found.borrow_mut() = findings,
                () = stop_signal() => {}
            }
        }
    };
    let finished = async move {
        finished.await;
        Drain::Announced
    };
    actix_rt::System::new().block_on(serve_system(&config, 0, listeners, || Ok(()), finished))?;
    found.replace(Err(Failure::Internal("there are no findings".into())))
}

async fn observe_system(
    server: SocketAddr,
    scene: &Scene,
    users: u64,
    seconds: u64,
    tries: u32,
) -> Result<Findings, Failure> {
    let client = Client::new(server)?;
    let mut stock = load::register_stock(&client, scene, users, seconds).await?;
    let Some(orders) = scene.orders() else {
        let figures = burden_system(&client, scene, (users, seconds, tries), stock).await;
        return Ok(findings::of_reads(scene, figures));
    };
    let last = stock.pop_back().unwrap_or_default();
    let fault = format!("/admin/contexts/{}/fault", orders.asked);
    let (from, to) = orders.delay_ms;
    let slow = json!({ "delayMs": [from, to], "failureRate": 0.0 });
    client.send_expecting(Method::PUT, &fault, Some(&slow)).await?;
    let figures = burden_system(&client, scene, (users, seconds, tries), stock).await;
    client.send_expecting(Method::DELETE, &fault, None).await?;
    let opened = client.guard_report(orders.asked).await?.opened;
    let usual = users <= scene.users;
    findings::of_orders(&client, (scene, orders), (tries, opened, usual), figures, last).await
}

/// Puts the load on the server, and prints now and then how far it is.
async fn burden_system(
    client: &Client,
    scene: &Scene,
    (users, seconds, tries): (u64, u64, u32),
    stock: VecDeque<u64>,
) -> Figures {
    let stock = RefCell::new(stock);
    let figures = RefCell::new(Figures::default());
    tokio::select! {
        () = load::apply_load(client, scene, (users, seconds), &stock, &figures) => {}
        () = print_progress(scene, tries, seconds, &figures) => {}
    }
    figures.into_inner()
}

/// Says how far it is, now and then, for as long as it is polled.
async fn print_progress(scene: &Scene, tries: u32, seconds: u64, figures: &RefCell<Figures>) {
    let begun = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let answered = { figures.borrow().successful + figures.borrow().failed };
        let system = scene.system;
        let passed = begun.elapsed().as_secs();
        // Progress output; a closed stdout does not matter.
        let _ = writeln!(
            std::io::stderr(),
            "{system}, tries {tries}: {passed} of {seconds} s, {answered} answered"
        );
    }
}
