//! `lab`: the loads and faults of the originals against this server, in this process, over real HTTP.

mod client;
mod findings;
mod load;
mod report;
mod scene;

use crate::{
    app::{Failure, Listening, bind, print, serve, stop_signal},
    config::{Config, Flags},
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
    io::Write,
    net::SocketAddr,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

/// What is to be tried.
#[derive(Debug, clap::Args)]
pub struct Lab {
    /// The system: `bookrent`, `ebook` or `movie`.
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
    /// Tries it, and says what came of it.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be tried, or when a promise is broken.
    pub fn run(&self) -> Result<(), Failure> {
        let scene = self.scene()?;
        let users = self.users.unwrap_or(scene.users);
        let seconds = self.seconds.unwrap_or(scene.seconds);
        let timeout = systems::ask_timeout_millis(scene.system).unwrap_or_default();
        let mut broken = 0;
        for tries in self.tries.map_or(1..=2, |tries| tries..=tries) {
            print(&report::heading(scene, (users, seconds, tries), timeout))?;
            let found = experiment(scene, users, seconds, tries)?;
            broken += found.promises.iter().filter(|promise| !promise.kept).count();
            print(&format!("{}\n", report::report(scene, &found)))?;
        }
        match broken {
            0 => Ok(()),
            1 => Err(Failure::Failed("a promise is broken".into())),
            more => Err(Failure::Failed(format!("{more} promises are broken"))),
        }
    }

    fn scene(&self) -> Result<&'static Scene, Failure> {
        let there = || SCENES.iter().filter(|scene| systems::NAMES.contains(&scene.system));
        there().find(|scene| scene.system == self.system).ok_or_else(|| {
            let names: Vec<_> = there().map(|scene| scene.system).collect();
            Failure::Usage(format!(
                "no lab for `{}`; there is one for: {}",
                self.system,
                names.join(", ")
            ))
        })
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
fn experiment(
    scene: &'static Scene,
    users: u64,
    seconds: u64,
    tries: u32,
) -> Result<Findings, Failure> {
    let scratch = Scratch::new()?;
    let asked = scene.asked.to_uppercase().replace('.', "__");
    let flags = Flags {
        listen: Some("127.0.0.1:0".into()),
        data: Some(scratch.0.join("data").display().to_string()),
        systems: vec![scene.system.into()],
        ..Flags::default()
    };
    let config = Config::load(
        None,
        [(format!("HOLDFAST_GUARD__{asked}__TRIES"), tries.to_string())],
        flags,
    )?;
    let Listening { listeners, address, .. } = bind(&config.settings)?;
    let found = Rc::new(RefCell::new(Err(Failure::Failed("stopped before the end".into()))));
    let told = {
        let found = found.clone();
        async move {
            tokio::select! {
                findings = observe(address, scene, users, seconds, tries) => *found.borrow_mut() = findings,
                () = stop_signal() => {}
            }
        }
    };
    actix_rt::System::new().block_on(serve(&config, 0, listeners, || Ok(()), told))?;
    found.replace(Err(Failure::Internal("there are no findings".into())))
}

async fn observe(
    server: SocketAddr,
    scene: &Scene,
    users: u64,
    seconds: u64,
    tries: u32,
) -> Result<Findings, Failure> {
    let client = Client::new(server)?;
    let mut stock = load::stock(&client, scene, users, seconds).await?;
    let last = stock.pop_back().unwrap_or_default();
    let fault = format!("/admin/contexts/{}/fault", scene.asked);
    let (from, to) = scene.delay_ms;
    client
        .must(Method::PUT, &fault, Some(&json!({ "delayMs": [from, to], "failureRate": 0.0 })))
        .await?;
    let stock = RefCell::new(stock);
    let figures = RefCell::new(Figures::default());
    tokio::select! {
        () = load::apply(&client, scene, (users, seconds), &stock, &figures) => {}
        () = tell(scene, tries, seconds, &figures) => {}
    }
    client.must(Method::DELETE, &fault, None).await?;
    let opened = client.guard(scene.asked).await?.opened;
    let usual = users <= scene.users;
    findings::find(&client, scene, (tries, opened, usual), figures.into_inner(), last).await
}

/// Says how far it is, now and then, for as long as it is polled.
async fn tell(scene: &Scene, tries: u32, seconds: u64, figures: &RefCell<Figures>) {
    let begun = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let answered = { figures.borrow().successful + figures.borrow().failed };
        let system = scene.system;
        let passed = begun.elapsed().as_secs();
        // Talk; nobody has to hear it.
        let _ = writeln!(
            std::io::stderr(),
            "{system}, tries {tries}: {passed} of {seconds} s, {answered} answered"
        );
    }
}
