//! Chromium, driven by WebDriver: one for all tests of the binary, which take turns.

use reqwest::{Method, blocking::Client as Http};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

/// A browser that is running.
pub struct Browser {
    driver: Child,
    http: Http,
    session: String,
}

/// The names of an element in answers of WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The one browser, while a test has it or waits for it.
static SHARED: Mutex<Weak<Mutex<Browser>>> = Mutex::new(Weak::new());

/// Runs `visit` with the browser, as someone who has just opened it.
pub fn with_browser(visit: impl FnOnce(&Browser)) {
    let shared = {
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let browser = Arc::new(Mutex::new(Browser::start()));
            *shared = Arc::downgrade(&browser);
            browser
        })
    };
    let browser: MutexGuard<'_, Browser> =
        shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    browser.forget();
    visit(&browser);
    assert_eq!(browser.violations(), Vec::<String>::new(), "against the content security policy");
}

impl Browser {
    fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--log-level=WARNING"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian: chromium-driver)");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let port = port.expect("chromedriver says on which port it listens");
        let http = Http::builder().timeout(Duration::from_secs(120)).no_proxy().build().unwrap();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-dev-shm-usage",
            "--window-size=1280,900",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "args": arguments, "prefs": { "intl.accept_languages": "en" },
            },
        } } });
        let base = format!("http://127.0.0.1:{port}/session");
        let answer: Value = http.post(&base).json(&wanted).send().unwrap().json().unwrap();
        let session = answer["value"]["sessionId"].as_str();
        let session = session.unwrap_or_else(|| panic!("no session: {answer}"));
        Self { session: format!("{base}/{session}"), driver, http }
    }

    fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value, Value> {
        let request = self.http.request(method.clone(), format!("{}{path}", self.session));
        let request = if method == Method::POST { request.json(body) } else { request };
        let response = request.send().unwrap();
        let is_good = response.status().is_success();
        let mut answer: Value = response.json().unwrap();
        let value = answer["value"].take();
        if is_good { Ok(value) } else { Err(value) }
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.call(Method::POST, path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A command of the browser's own protocol.
    #[track_caller]
    pub fn tell(&self, command: &str, parameters: &Value) {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    /// Forgets what earlier visits have left.
    fn forget(&self) {
        self.open("data:,");
        self.tell("Network.clearBrowserCookies", &json!({}));
        self.tell("Emulation.setScriptExecutionDisabled", &json!({ "value": false }));
        self.resize(1280, 900);
        self.use_dark(false);
        let _ = self.violations();
    }

    pub fn resize(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", &size);
    }

    pub fn use_dark(&self, is_dark: bool) {
        let scheme = if is_dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.tell("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// Turns scripts off, or on again.
    pub fn run_scripts(&self, are_run: bool) {
        self.tell("Emulation.setScriptExecutionDisabled", &json!({ "value": !are_run }));
    }

    #[track_caller]
    pub fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// The elements that fit a selector.
    #[track_caller]
    pub fn find(&self, selector: &str) -> Vec<String> {
        let found = self.post("/elements", &json!({ "using": "css selector", "value": selector }));
        let elements = found.as_array().unwrap().iter();
        elements.map(|element| element[ELEMENT].as_str().unwrap().to_owned()).collect()
    }

    /// The first element that fits, once there is one.
    #[track_caller]
    fn wait_for(&self, selector: &str) -> String {
        support::eventually(&format!("there is {selector} on {}", self.url()), || {
            self.find(selector).into_iter().next()
        })
    }

    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.press(&self.wait_for(selector));
    }

    #[track_caller]
    fn press(&self, element: &str) {
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Clicks the link or button that says this.
    #[track_caller]
    pub fn click_text(&self, text: &str) {
        let path =
            format!("//a[normalize-space(.)=\"{text}\"] | //button[normalize-space(.)=\"{text}\"]");
        let element =
            support::eventually(&format!("`{text}` is on {}: {}", self.url(), self.text()), || {
                let found = self.post("/elements", &json!({ "using": "xpath", "value": path }));
                found.get(0)?.get(ELEMENT)?.as_str().map(str::to_owned)
            });
        self.press(&element);
    }

    /// Enters a text into a field in place of what is there.
    #[track_caller]
    pub fn enter(&self, name: &str, text: &str) {
        let element = self.wait_for(&format!("[name=\"{name}\"]:not([type=hidden])"));
        let kind = self.script(
            "return arguments[0].tagName + arguments[0].type",
            &[json!({ ELEMENT: element })],
        );
        if kind.as_str().is_some_and(|kind| kind.starts_with("INPUT") && kind != "INPUTdate") {
            self.post(&format!("/element/{element}/clear"), &json!({}));
        }
        if kind == "INPUTdate" {
            let set = "arguments[0].value = arguments[1]";
            self.script(set, &[json!({ ELEMENT: element }), json!(text)]);
            return;
        }
        self.post(&format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Chooses what a list of choices shows as this.
    #[track_caller]
    pub fn choose(&self, name: &str, text: &str) {
        let path = format!("//select[@name=\"{name}\"]/option[contains(., \"{text}\")]");
        let found = self.post("/element", &json!({ "using": "xpath", "value": path }));
        self.press(found[ELEMENT].as_str().unwrap());
    }

    /// Presses a key, where the focus is.
    #[track_caller]
    pub fn key(&self, key: &str) {
        let down = json!({ "type": "keyDown", "value": key });
        let up = json!({ "type": "keyUp", "value": key });
        let keys = json!({ "type": "key", "id": "keyboard", "actions": [down, up] });
        self.post("/actions", &json!({ "actions": [keys] }));
    }

    #[track_caller]
    pub fn script(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// What a script gives to the function that is its last argument.
    #[track_caller]
    pub fn script_later(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    pub fn url(&self) -> String {
        let url = self.call(Method::GET, "/url", &Value::Null).unwrap();
        url.as_str().unwrap().to_owned()
    }

    /// What the page says.
    pub fn text(&self) -> String {
        let Some(body) = self.find("body").into_iter().next() else { return String::new() };
        let text = self.call(Method::GET, &format!("/element/{body}/text"), &Value::Null);
        text.ok().and_then(|text| Some(text.as_str()?.to_owned())).unwrap_or_default()
    }

    /// Waits until the page says this.
    #[track_caller]
    pub fn says(&self, text: &str) {
        support::eventually(&format!("the page says `{text}`"), || {
            self.text().contains(text).then_some(())
        });
    }

    /// A picture of the whole page, as PNG in base64.
    pub fn picture(&self) -> String {
        let picture = self.call(Method::GET, "/screenshot", &Value::Null).unwrap();
        picture.as_str().unwrap().to_owned()
    }

    /// What the browser has refused to load or run since it was asked last.
    pub fn violations(&self) -> Vec<String> {
        let logged = self.post("/se/log", &json!({ "type": "browser" }));
        let messages = logged.as_array().unwrap().iter();
        let messages = messages.filter_map(|line| line["message"].as_str());
        let is_violation = |message: &&str| message.contains("Content Security Policy");
        messages.filter(is_violation).map(str::to_owned).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.call(Method::DELETE, "", &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
