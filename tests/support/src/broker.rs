//! A RabbitMQ broker of the test's own: a private directory, private ports, and faults on demand.

use super::{eventually, quiet::Beside, tls::CertificateFiles};
use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
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
    place: Place,
    child: Option<Child>,
    _beside: Beside,
}

/// Where a broker is.
struct Place {
    ip: Ipv4Addr,
    /// Of AMQP, and of what brokers say to each other.
    ports: [u16; 2],
    /// Where brokers look for each other: the port, on these addresses.
    mapper: (u16, String),
    /// It ends the port mapper when it goes.
    ends_mapper: bool,
}

impl Place {
    fn node(&self) -> String {
        format!("holdfast{}@{}", self.ports[0], self.ip)
    }
}

fn free_port(ip: Ipv4Addr) -> u16 {
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap().port()
}

/// Where the scripts of RabbitMQ are. Those in `/usr/sbin` change the user and lose the environment.
fn scripts() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/rabbitmq/lib")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    let scripts =
        installed.map(|path| path.join("sbin")).find(|path| path.join("rabbitmq-server").exists());
    scripts
        .expect("RabbitMQ is not installed: apt-get install rabbitmq-server, as scripts/test does")
}

impl Broker {
    /// A broker with nothing in it.
    pub fn start() -> Self {
        let mut broker = Self::absent();
        broker.restart();
        broker
    }

    /// A broker that takes connections by TLS too, and its address for those.
    pub fn encrypted(files: &CertificateFiles) -> (Self, String) {
        let ip = Ipv4Addr::LOCALHOST;
        let port = free_port(ip);
        let CertificateFiles { cert, key, ca } = files;
        let config = format!(
            "listeners.ssl.default = {ip}:{port}\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\nssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n",
            ca.display(),
            cert.display(),
            key.display()
        );
        let mut broker = Self::at(Self::place(ip), &config);
        broker.restart();
        (broker, format!("amqps://guest:guest@localhost:{port}/%2f"))
    }

    /// A broker that is not there yet.
    pub fn absent() -> Self {
        Self::at(Self::place(Ipv4Addr::LOCALHOST), "")
    }

    /// A place of its own.
    fn place(ip: Ipv4Addr) -> Place {
        let ports = [free_port(ip), free_port(ip)];
        let mapper = (free_port(ip), ip.to_string());
        Place { ip, ports, mapper, ends_mapper: true }
    }

    /// Three brokers that are one, each on an address of its own.
    pub fn cluster() -> [Self; 3] {
        let ips = [1, 2, 3].map(|last| Ipv4Addr::new(127, 0, 9, last));
        let mapper = (free_port(ips[0]), ips.map(|ip| ip.to_string()).join(","));
        // On each address its own port: brokers know each other by the port as well.
        let mut places = ips.map(|ip| Place {
            ip,
            ports: [free_port(ip), free_port(ip)],
            mapper: mapper.clone(),
            ends_mapper: false,
        });
        places[0].ends_mapper = true;
        let mut config = "cluster_formation.peer_discovery_backend = classic_config\n\
                          cluster_formation.randomized_startup_delay_range.max = 1\n\
                          cluster_partition_handling = pause_minority\nnet_ticktime = 5\n"
            .to_owned();
        for (place, number) in places.iter().zip(1..) {
            config.push_str(&format!(
                "cluster_formation.classic_config.nodes.{number} = {}\n",
                place.node()
            ));
        }
        let mut brokers = places.map(|place| Self::at(place, &config));
        brokers.iter_mut().for_each(Self::launch);
        brokers.iter_mut().for_each(Self::wait);
        brokers
    }

    fn at(place: Place, further: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path();
        fs::create_dir(path.join("home")).unwrap();
        fs::write(path.join("enabled_plugins"), "[].\n").unwrap();
        let config = format!(
            "listeners.tcp.default = {}:{}\nvm_memory_high_watermark.absolute = 512MB\n\
             disk_free_limit.absolute = 50MB\nloopback_users = none\n{further}",
            place.ip, place.ports[0]
        );
        fs::write(path.join("rabbitmq.conf"), config).unwrap();
        Self { directory, place, child: None, _beside: Beside::others() }
    }

    /// Its address, for the user that a fresh broker has.
    pub fn url(&self) -> String {
        self.url_of("guest", "guest")
    }
    /// Its address, for another process.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("amqp://{user}:{password}@{}:{}/%2f", self.place.ip, self.place.ports[0])
    }

    /// What it is called among brokers.
    pub fn node(&self) -> String {
        self.place.node()
    }

    fn command(&self, script: &str) -> Command {
        let path = |name: &str| self.directory.path().join(name);
        let mut command = Command::new(scripts().join(script));
        let Place { ip, ports, mapper, .. } = &self.place;
        let [amqp, dist] = ports.map(|port| port.to_string());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in
            [("HOME", "home"), ("RABBITMQ_PID_FILE", "pid"), ("RABBITMQ_BASE", ".")]
        {
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
        // Brokers are known by the source address, where the way between them is cut.
        let own = format!("{{{}}}", ip.octets().map(|octet| octet.to_string()).join(","));
        let quiet = format!(
            "-kernel inet_dist_use_interface {own} -kernel inet_dist_connect_options [{{ip,{own}}}] +S 1:1 +sbwt none \
             +sbwtdcpu none +sbwtdio none"
        );
        command
            .env("RABBITMQ_NODENAME", self.place.node())
            .env("RABBITMQ_USE_LONGNAME", "true")
            .env("RABBITMQ_NODE_IP_ADDRESS", ip.to_string())
            .env("RABBITMQ_NODE_PORT", amqp)
            .env("RABBITMQ_DIST_PORT", dist)
            .env("ERL_EPMD_PORT", mapper.0.to_string())
            .env("ERL_EPMD_ADDRESS", &mapper.1)
            .env("LC_ALL", "C.UTF-8")
            .env("RABBITMQ_CTL_ERL_ARGS", format!("-setcookie {COOKIE}"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", format!("-setcookie {COOKIE} {quiet}"))
            .stdin(Stdio::null());
        command
    }

    /// Starts it, with what it kept.
    pub fn restart(&mut self) {
        self.launch();
        self.wait();
    }

    fn launch(&mut self) {
        let log = fs::File::create(self.directory.path().join("out.log")).unwrap();
        let mut server = self.command("rabbitmq-server");
        self.child = Some(server.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
    }

    fn wait(&mut self) {
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
        ctl.args(["-q", "--longnames", "-n", &self.place.node()])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    /// `rabbitmqctl`
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) {
        assert!(self.try_ctl(arguments), "rabbitmqctl {arguments:?} fails:\n{}", self.said());
    }

    /// What `rabbitmqctl` prints.
    #[track_caller]
    pub fn tells(&self, arguments: &[&str]) -> String {
        let mut ctl = self.command("rabbitmqctl");
        let output = ctl
            .args(["-q", "--longnames", "-n", &self.place.node()])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "rabbitmqctl {arguments:?} fails:\n{}", self.said());
        String::from_utf8(output.stdout).unwrap()
    }

    /// The names of the queues that end with `suffix`.
    pub fn queues(&self, suffix: &str) -> Vec<String> {
        let all = self.tells(&["list_queues", "name", "--no-table-headers"]);
        all.lines().map(str::trim).filter(|name| name.ends_with(suffix)).map(Into::into).collect()
    }

    /// Freezes it (`true`), or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        let pid = fs::read_to_string(self.pid_file()).unwrap();
        let signal = if frozen { "STOP" } else { "CONT" };
        let kill = format!("kill -{signal} {}", pid.trim());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Cuts the way between it and `others` (`true`), or mends it. Says whether this machine lets a test do so.
    pub fn cut(&self, others: &[&Self], cut: bool) -> bool {
        let rule = |from: Ipv4Addr, to: Ipv4Addr| {
            let rule = [
                if cut { "-A" } else { "-D" },
                "INPUT",
                "-s",
                &from.to_string(),
                "-d",
                &to.to_string(),
                "-j",
                "DROP",
            ];
            Command::new("iptables")
                .arg("-w")
                .args(rule)
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        others
            .iter()
            .all(|other| rule(self.place.ip, other.place.ip) && rule(other.place.ip, self.place.ip))
    }

    /// `kill -9`, some time after the last queue was declared: this version writes down only seconds later which quorum
    /// queues it has, and one of which it does not know after a `kill -9` has no leader any more.
    pub fn kill(&mut self) {
        self.ctl(&["eval", "[dets:sync(Table) || Table <- dets:all()]."]);
        self.end();
    }

    /// `kill -9`, at once.
    pub fn end(&mut self) {
        if let (Ok(pid), Some(mut child)) = (fs::read_to_string(self.pid_file()), self.child.take())
        {
            let _ = Command::new("sh")
                .args(["-c", &format!("kill -9 {}", pid.trim())])
                .stderr(Stdio::null())
                .status();
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

    /// The names of the exchanges.
    pub fn exchanges(&self) -> Vec<String> {
        let listed = self.tells(&["list_exchanges", "name", "--no-table-headers"]);
        listed.lines().map(|name| name.trim().to_owned()).collect()
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
        self.end();
        if !self.place.ends_mapper {
            return;
        }
        // The port mapper outlives its nodes; this one is ours alone, and ends with the test.
        let epmd = format!("epmd -port {} -kill", self.place.mapper.0);
        let _ = Command::new("sh")
            .args(["-c", &epmd])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// Waits until `look` finds that nothing is pending at the broker.
#[track_caller]
pub fn drained(server: &super::Client) {
    eventually("everything has gone out", || {
        (server.metric("holdfast_outbox_pending") == 0.0).then_some(())
    });
}
