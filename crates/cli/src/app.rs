//! What a command works with. Configuration and connection are made when first asked for (W1).

use crate::args::Line;
use crate::failure::Failure;
use crate::last::{self, LastCall};
use crate::output::Screen;
use open_cli_client::{
    ClientError, CommandTrace, Environment, Identity, LoginWay, Patience, Places, Renew, Runtime, RuntimeUrl,
    Settings, SignIn, SignInSettings, Telemetry, UrlSource, choose_runtime_url,
};
use open_cli_contract::Timestamp;
use open_cli_instance::{InstanceOptions, Layout};
use secrecy::SecretString;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// What a command works with.
pub(crate) struct App {
    pub(crate) line: Line,
    pub(crate) environment: Environment,
    pub(crate) screen: Screen,
    started_at: Timestamp,
    settings: OnceCell<Settings>,
    runtime: OnceCell<Runtime>,
    sign_in: OnceCell<(Rc<SignIn>, bool)>,
    tracing: OnceCell<(Rc<CommandTrace>, Telemetry)>,
}

impl App {
    pub(crate) fn new(line: Line, environment: Environment, screen: Screen) -> Self {
        Self {
            line,
            environment,
            screen,
            started_at: Timestamp::now(),
            settings: OnceCell::new(),
            runtime: OnceCell::new(),
            sign_in: OnceCell::new(),
            tracing: OnceCell::new(),
        }
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

    /// The runtime, with a token if there is one; nothing else is sent yet.
    pub(crate) fn runtime(&self) -> Result<&Runtime, Failure> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let token = self.token()?;
        let runtime = self.runtime_with(token)?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// The runtime, asked with this token.
    pub(crate) fn runtime_with(&self, token: Option<SecretString>) -> Result<Runtime, Failure> {
        let trace = Rc::clone(&self.tracing().0);
        self.connect(self.patience(), Some(trace), token)
    }

    /// The runtime, for what is nice to have and must not be waited for: nobody is asked for a token (W47).
    pub(crate) fn hasty_runtime(&self, limit: Duration) -> Result<Runtime, Failure> {
        let token = self.sign_in()?.token_at_hand();
        self.connect(Patience { total: Some(limit) }, None, token)
    }

    fn patience(&self) -> Patience {
        Patience { total: self.line.globals.timeout }
    }

    fn connect(
        &self,
        patience: Patience,
        trace: Option<Rc<CommandTrace>>,
        token: Option<SecretString>,
    ) -> Result<Runtime, Failure> {
        let (url, _) = self.runtime_url()?;
        self.say(|| format!("runtime: {}", url.as_str()));
        let sign_in = self.sign_in()?;
        let identity = Identity {
            config: self.request_config()?,
            mode: self.line.globals.mode.clone(),
            agent_profile: self.line.globals.agent_profile.clone(),
            token,
            token_withheld: self.is_withheld()?,
            renew: Some(Renew::new(move |refused| sign_in.renewed(refused))),
        };
        Ok(Runtime::new(url, &self.environment, identity, patience, trace)?)
    }

    /// How this client gets its token.
    pub(crate) fn sign_in(&self) -> Result<Rc<SignIn>, Failure> {
        if let Some((sign_in, _)) = self.sign_in.get() {
            return Ok(Rc::clone(sign_in));
        }
        let settings = self.settings()?;
        let (url, source) = self.runtime_url()?;
        // W53: a token belongs to the runtime it was configured for.
        let configured = settings.runtime_url.as_deref().map(RuntimeUrl::parse).transpose()?;
        let is_other = source != UrlSource::Config && configured.is_some_and(|known| !known.same_origin(&url));
        let sign_in = SignIn::new(SignInSettings {
            oauth: settings.oauth.as_ref().filter(|_| !is_other),
            runtime: url,
            config: self.request_config()?,
            folder: settings.config_path.as_deref().and_then(Path::parent).map(Path::to_owned),
            state_dir: &self.instance()?.state_dir,
            agent_profile: self.line.globals.agent_profile.clone(),
            environment: self.environment.clone(),
            patience: self.patience(),
        });
        let is_withheld = is_other && settings.oauth.is_some();
        Ok(Rc::clone(&self.sign_in.get_or_init(|| (Rc::new(sign_in), is_withheld)).0))
    }

    /// A token is configured, but for another runtime.
    fn is_withheld(&self) -> Result<bool, Failure> {
        self.sign_in()?;
        Ok(self.sign_in.get().is_some_and(|(_, is_withheld)| *is_withheld))
    }

    /// The token for the runtime. A person at a terminal is asked to sign in when that is what it takes.
    pub(crate) fn token(&self) -> Result<Option<SecretString>, Failure> {
        let sign_in = self.sign_in()?;
        match sign_in.token() {
            Err(ClientError::SignInRequired { .. }) if self.may_ask() => {
                let show = |request: &_| crate::commands::auth::show(self, request, true);
                sign_in.login(LoginWay::Browser, &[], &show)?;
                Ok(sign_in.token()?)
            }
            other => Ok(other?),
        }
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

    /// The trace of this command; begun with the first request.
    fn tracing(&self) -> &(Rc<CommandTrace>, Telemetry) {
        self.tracing.get_or_init(|| {
            let telemetry = Telemetry::read(&self.environment).unwrap_or_else(|error| {
                self.say(|| format!("no spans are exported: {error}"));
                Telemetry::default()
            });
            let trace = CommandTrace::start(self.started_at, &self.environment, &telemetry);
            // What stands behind the words of a built-in command are arguments; a tool's words are known later.
            if let Some(command) = crate::commands::find(&self.line.words) {
                trace.describe(&command.words.join(" "));
            }
            (Rc::new(trace), telemetry)
        })
    }

    /// The trace's id, when anything was sent in it.
    pub(crate) fn trace_id(&self) -> Option<String> {
        self.tracing.get().map(|(trace, _)| trace.trace_id().to_string())
    }

    /// Says which command this is: its words, without arguments.
    pub(crate) fn describe(&self, words: &str) {
        if let Some((trace, _)) = self.tracing.get() {
            trace.describe(words);
        }
    }

    /// Ends the trace, after the output was written: remembers the call, exports the spans. Nothing here can fail the
    /// command.
    pub(crate) fn finish(&self, exit: u8, error: Option<&str>) {
        let Some((trace, telemetry)) = self.tracing.get() else { return };
        let Some(finished) = trace.finish(exit, error) else { return };
        if let (Some(root), Ok((url, _))) = (self.state_root(), self.runtime_url()) {
            last::write(&root, &finished, url.as_str(), exit);
        }
        if let Err(error) = telemetry.export(&finished, &self.environment) {
            self.say(|| format!("the spans of this command were not exported: {error}"));
        }
    }

    /// The last call that was made from here, when it is known.
    pub(crate) fn last_call(&self) -> Option<LastCall> {
        last::read(&self.state_root()?)
    }

    fn state_root(&self) -> Option<PathBuf> {
        let options = InstanceOptions { state_dir: self.line.globals.state_dir.clone(), ..Default::default() };
        open_cli_instance::roots(&options, &self.instance_environment().ok()?).ok().map(|roots| roots.state)
    }

    /// The instance that configuration, flags and environment lead to (client §5.4). Touches no file.
    pub(crate) fn instance(&self) -> Result<Layout, Failure> {
        let environment = self.instance_environment()?;
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

    fn instance_environment(&self) -> Result<open_cli_instance::Environment, Failure> {
        let variable = |name: &str| self.environment.get(name).map(Into::into);
        Ok(open_cli_instance::Environment {
            home: variable("HOME"),
            xdg_state_home: variable("XDG_STATE_HOME"),
            xdg_cache_home: variable("XDG_CACHE_HOME"),
            state_dir: variable("OPEN_CLI_STATE_DIR"),
            instance_id: variable("OPEN_CLI_INSTANCE_ID"),
            current_dir: self.working_dir()?,
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
