//! What a command works with. Configuration and connection are made when first asked for (W1).

use crate::args::Line;
use crate::failure::Failure;
use crate::output::Screen;
use open_cli_client::{
    Environment, Identity, Patience, Places, Runtime, RuntimeUrl, Settings, UrlSource, choose_runtime_url, token,
};
use open_cli_instance::{InstanceOptions, Layout};
use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

/// What a command works with.
pub(crate) struct App {
    pub(crate) line: Line,
    pub(crate) environment: Environment,
    pub(crate) screen: Screen,
    settings: OnceCell<Settings>,
    runtime: OnceCell<Runtime>,
}

impl App {
    pub(crate) fn new(line: Line, environment: Environment, screen: Screen) -> Self {
        Self { line, environment, screen, settings: OnceCell::new(), runtime: OnceCell::new() }
    }

    /// Where configurations are looked for.
    pub(crate) fn places(&self) -> Result<Places, Failure> {
        let working_dir = std::env::current_dir().map_err(|error| {
            Failure::new(
                crate::exit::Exit::Other,
                "working_dir",
                "The current folder can't be read",
                error.to_string(),
            )
            .suggest("Change to a folder that exists.")
        })?;
        let explicit = self
            .line
            .globals
            .config
            .clone()
            .or_else(|| self.environment.get("OPEN_CLI_CONFIG").map(PathBuf::from));
        Ok(Places::of(&self.environment, explicit, working_dir))
    }

    /// The configuration in force.
    pub(crate) fn settings(&self) -> Result<&Settings, Failure> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = Settings::load(&self.places()?)?;
        if let Some(path) = settings.config_path.as_deref() {
            self.say(|| format!("configuration: {}", path.display()));
        }
        Ok(self.settings.get_or_init(|| settings))
    }

    /// URL of the runtime, and who named it.
    pub(crate) fn runtime_url(&self) -> Result<(RuntimeUrl, UrlSource), Failure> {
        let config = self.settings()?.runtime_url.as_deref();
        Ok(choose_runtime_url(self.line.globals.runtime.as_deref(), &self.environment, config)?)
    }

    /// The runtime; nothing is sent yet.
    pub(crate) fn runtime(&self) -> Result<&Runtime, Failure> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = self.connect(Patience { total: self.line.globals.timeout })?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// The runtime, for what is nice to have and must not be waited for.
    pub(crate) fn hasty_runtime(&self, limit: Duration) -> Result<Runtime, Failure> {
        self.connect(Patience { total: Some(limit) })
    }

    fn connect(&self, patience: Patience) -> Result<Runtime, Failure> {
        let settings = self.settings()?;
        let (url, source) = self.runtime_url()?;
        self.say(|| format!("runtime: {}", url.as_str()));
        let mut identity = Identity {
            config: self.request_config()?,
            mode: self.line.globals.mode.clone(),
            agent_profile: self.line.globals.agent_profile.clone(),
            ..Identity::default()
        };
        if let Some(oauth) = &settings.oauth {
            // W53: a token belongs to the runtime it was configured for.
            let configured = settings.runtime_url.as_deref().map(RuntimeUrl::parse).transpose()?;
            if source != UrlSource::Config && configured.is_some_and(|configured| !configured.same_origin(&url)) {
                identity.token_withheld = true;
            } else {
                identity.token = token(oauth, &self.environment)?;
            }
        }
        Ok(Runtime::new(url, &self.environment, identity, patience, None)?)
    }

    /// Client §5.3, W10: `requestConfigPath`, else the absolute path of the active file, else nothing.
    fn request_config(&self) -> Result<String, Failure> {
        let settings = self.settings()?;
        Ok(match (&settings.request_config_path, &settings.config_path) {
            (Some(path), _) => path.clone(),
            (None, Some(path)) => path.to_string_lossy().into_owned(),
            (None, None) => String::new(),
        })
    }

    /// Folder that relative paths of the command line count from.
    pub(crate) fn working_dir(&self) -> Result<PathBuf, Failure> {
        Ok(self.places()?.working_dir)
    }

    /// The instance that configuration, flags and environment lead to (client §5.4). Touches no file.
    pub(crate) fn instance(&self) -> Result<Layout, Failure> {
        let variable = |name: &str| self.environment.get(name).map(Into::into);
        let environment = open_cli_instance::Environment {
            home: variable("HOME"),
            xdg_state_home: variable("XDG_STATE_HOME"),
            xdg_cache_home: variable("XDG_CACHE_HOME"),
            state_dir: variable("OPEN_CLI_STATE_DIR"),
            instance_id: variable("OPEN_CLI_INSTANCE_ID"),
            current_dir: self.working_dir()?,
        };
        let options = InstanceOptions {
            instance_id: self.line.globals.instance_id.clone(),
            state_dir: self.line.globals.state_dir.clone(),
            config_path: self.settings()?.config_path.clone(),
            ..InstanceOptions::default()
        };
        open_cli_instance::resolve(&options, &environment).map_err(|error| {
            Failure::usage("The instance can't be determined", error.to_string())
                .suggest("Correct `--instance-id` or `--state-dir`.")
        })
    }

    /// Says something on stderr with `--verbose`.
    pub(crate) fn say(&self, text: impl FnOnce() -> String) {
        if self.line.globals.verbose {
            self.screen.remark(&format!("* {}", text()));
        }
    }

    /// A person can be asked.
    pub(crate) fn may_ask(&self) -> bool {
        !self.line.globals.no_input && self.screen.terminals.stdin && self.screen.terminals.stderr
    }
}
