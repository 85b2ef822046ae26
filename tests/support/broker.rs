//! A RabbitMQ broker of the test's own: a private directory, private ports, and faults on demand.

use super::eventually;
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const COOKIE: &str = "holdfast-tests";
const START: Duration = Duration::from_secs(120);

/// A broker. Dropped, it is killed, and all that it kept is gone.
pub struct Broker {
    directory: TempDir,
    ports: [u16; 3],
    child: Option<Child>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where the scripts of RabbitMQ are. Those in `/usr/sbin` change the user and lose the environment.
fn scripts() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/rabbitmq/lib").into_iter().flatten().map(|entry| entry.unwrap().path());
    let scripts = installed.map(|path| path.join("sbin")).find(|path| path.join("rabbitmq-server").exists());
    scripts.expect("RabbitMQ is not installed: apt-get install rabbitmq-server, as scripts/test does")
}

impl Broker {
    /// A broker with nothing in it.
    pub fn start() -> Self {
        let mut broker = Self::absent();
        broker.restart();
        broker
    }

    /// A broker that is not there yet.
    pub fn absent() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path();
        fs::create_dir(path.join("home")).unwrap();
        fs::write(path.join("enabled_plugins"), "[].\n").unwrap();
        let ports = [free_port(), free_port(), free_port()];
        let config = format!(
            "listeners.tcp.default = 127.0.0.1:{}\nvm_memory_high_watermark.absolute = 512MB\n\
             disk_free_limit.absolute = 50MB\n",
            ports[0]
        );
        fs::write(path.join("rabbitmq.conf"), config).unwrap();
        Self { directory, ports, child: None }
    }

    /// Its address, for the user that a fresh broker has.
    pub fn url(&self) -> String {
        self.url_of("guest", "guest")
    }
    /// Its address, for somebody else.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("amqp://{user}:{password}@127.0.0.1:{}/%2f", self.ports[0])
    }

    fn command(&self, script: &str) -> Command {
        let path = |name: &str| self.directory.path().join(name);
        let mut command = Command::new(scripts().join(script));
        let [amqp, dist, epmd] = self.ports.map(|port| port.to_string());
        let node = format!("holdfast{amqp}@localhost");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in [("HOME", "home"), ("RABBITMQ_PID_FILE", "pid"), ("RABBITMQ_BASE", ".")] {
            command.env(name, path(value));
        }
        for (name, value) in [
            ("RABBITMQ_MNESIA_BASE", "mnesia"),
            ("RABBITMQ_LOG_BASE", "log"),
            ("RABBITMQ_LOGS", "log/node.log"),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
            ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
            ("RABBITMQ_CONF_ENV_FILE", "none"),
            ("RABBITMQ_GENERATED_CONFIG_DIR", "gen"),
        ] {
            command.env(name, path(value));
        }
        let quiet = "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none";
        command
            .env("RABBITMQ_NODENAME", node)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", amqp)
            .env("RABBITMQ_DIST_PORT", dist)
            .env("ERL_EPMD_PORT", epmd)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("LC_ALL", "C.UTF-8")
            .env("RABBITMQ_CTL_ERL_ARGS", format!("-setcookie {COOKIE}"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", format!("-setcookie {COOKIE} {quiet}"))
            .stdin(Stdio::null());
        command
    }

    /// Starts it, with what it kept.
    pub fn restart(&mut self) {
        let log = fs::File::create(self.directory.path().join("out.log")).unwrap();
        let mut server = self.command("rabbitmq-server");
        self.child = Some(server.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let begun = Instant::now();
        while !self.pid_file().exists() || !self.try_ctl(&["await_startup", "--timeout", "60"]) {
            assert!(begun.elapsed() < START, "the broker does not start:\n{}", self.said());
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.path().join("pid")
    }
    fn said(&self) -> String {
        fs::read_to_string(self.directory.path().join("out.log")).unwrap_or_default()
    }

    fn try_ctl(&self, arguments: &[&str]) -> bool {
        let mut ctl = self.command("rabbitmqctl");
        ctl.arg("-q").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    }

    /// `rabbitmqctl`
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) {
        assert!(self.try_ctl(arguments), "rabbitmqctl {arguments:?} fails:\n{}", self.said());
    }

    /// Has it write down which quorum queues it has: this version does so seconds after they are declared, and one of
    /// which it does not know after a `kill -9` has no leader any more.
    pub fn sync(&self) {
        self.ctl(&["eval", "[dets:sync(Table) || Table <- dets:all()]."]);
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let (Ok(pid), Some(mut child)) = (fs::read_to_string(self.pid_file()), self.child.take()) {
            let _ = Command::new("sh").args(["-c", &format!("kill -9 {}", pid.trim())]).stderr(Stdio::null()).status();
            let _ = child.wait();
            let _ = fs::remove_file(self.pid_file());
        }
    }

    /// Has the broker take nothing more, as if its memory were full.
    pub fn alarm(&self) {
        self.ctl(&["set_vm_memory_high_watermark", "absolute", "1MB"]);
    }
    /// Its memory is free again.
    pub fn calm(&self) {
        self.ctl(&["set_vm_memory_high_watermark", "absolute", "512MB"]);
    }

    /// Deletes an exchange, and the bindings of it.
    pub fn delete_exchange(&self, name: &str) {
        let call = format!(
            "rabbit_exchange:delete(rabbit_misc:r(<<\"/\">>, exchange, <<\"{name}\">>), false, <<\"tests\">>)."
        );
        self.ctl(&["eval", &call]);
    }

    /// Where it keeps everything.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        // The port mapper outlives its nodes; this one is ours alone, and ends when it is told to.
        let epmd = format!("epmd -port {} -kill", self.ports[2]);
        let _ = Command::new("sh").args(["-c", &epmd]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Waits until `look` finds that nothing is pending at the broker.
#[track_caller]
pub fn drained(server: &super::Client) {
    eventually("everything has gone out", || (server.metric("holdfast_outbox_pending") == 0.0).then_some(()));
}
