//! Which instance, or which of them, a command is about: `--state-dir`, `--instance-id` and `--config` as the server
//! takes them, with the same variables.

use super::{Context, Failure};
use clap::{Arg, ArgMatches, value_parser};
use open_cli_instance::{
    Instance, InstanceId, InstanceOptions, Roots, chosen_id, config_name, list, look_up, roots,
};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What the command line says.
pub(crate) struct Target {
    pub(crate) roots: Roots,
    /// `--instance-id`, or its variable.
    chosen: Option<InstanceId>,
    /// `--config`.
    config: Option<PathBuf>,
}

impl Target {
    /// The flags, for this command and those below it.
    pub(crate) fn args() -> [Arg; 3] {
        [
            Arg::new("state-dir")
                .long("state-dir")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .env("OPEN_CLI_STATE_DIR")
                .help("State root, as of the server [default: $XDG_STATE_HOME/open-cli]"),
            Arg::new("instance-id")
                .long("instance-id")
                .value_name("ID")
                .env("OPEN_CLI_INSTANCE_ID")
                .help("Only the instance of this id, as of the server"),
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Only the instance that serves this configuration"),
        ]
        .map(|arg| arg.global(true).help_heading("Which instances"))
    }

    pub(crate) fn of(matches: &ArgMatches, context: &Context) -> Result<Self, Failure> {
        let path =
            |name: &str| matches.get_one::<PathBuf>(name).filter(|path| !path.as_os_str().is_empty()).cloned();
        let options = InstanceOptions {
            instance_id: matches.get_one::<String>("instance-id").cloned(),
            state_dir: path("state-dir"),
            config_path: path("config"),
            ..InstanceOptions::default()
        };
        Ok(Self {
            roots: roots(&options, &context.environment)?,
            chosen: chosen_id(&options, &context.environment)?,
            config: config_name(options.config_path.as_deref()),
        })
    }

    /// Does it name certain ones? Then finding none is worth saying.
    pub(crate) fn is_narrow(&self) -> bool {
        self.chosen.is_some() || self.config.is_some()
    }

    /// All that are meant, and whether these are all there are.
    pub(crate) fn all(&self) -> Result<(Vec<Instance>, bool), Failure> {
        let mut listing = list(&self.roots)?;
        listing.instances.retain(|instance| self.means(instance));
        if listing.instances.is_empty() && self.is_narrow() {
            return Err(self.nothing(&self.wanted()));
        }
        if let (Some(_), Some(only)) = (&self.chosen, listing.instances.first()) {
            self.check_config(only)?;
        }
        Ok((listing.instances, listing.is_complete))
    }

    /// The one that is meant: by its id as listed, else by the flags.
    pub(crate) fn one(&self, given: Option<&str>) -> Result<Instance, Failure> {
        if let Some(given) = given {
            let slug = || InstanceId::explicit(OsStr::new(given));
            // Foreign folders have names that are no ids.
            let found = match look_up(&self.roots, given) {
                Some(found) => Some(found),
                None => look_up(&self.roots, slug()?.as_str()),
            };
            let found = found.ok_or_else(|| self.nothing(&format!("instance {given}")))?;
            self.check_config(&found)?;
            return Ok(found);
        }
        if let Some(chosen) = &self.chosen {
            let found = look_up(&self.roots, chosen.as_str()).ok_or_else(|| self.nothing(&self.wanted()))?;
            self.check_config(&found)?;
            return Ok(found);
        }
        if self.config.is_none() {
            return Err(Failure::Usage(
                "which instance? Name its ID, --instance-id or --config; `open-cli-toolbox instances` lists them"
                    .into(),
            ));
        }
        let mut found = self.all()?.0;
        match (found.pop(), found.len()) {
            (Some(only), 0) => Ok(only),
            (Some(last), _) => {
                let ids: Vec<&str> = found.iter().chain([&last]).map(|instance| instance.id.as_str()).collect();
                Err(Failure::Usage(format!(
                    "several instances serve this configuration, name one: {}",
                    ids.join(", ")
                )))
            }
            (None, _) => Err(self.nothing(&self.wanted())),
        }
    }

    fn means(&self, instance: &Instance) -> bool {
        match (&self.chosen, &self.config) {
            (Some(chosen), _) => instance.id == chosen.as_str(),
            (None, Some(config)) => {
                let derived = InstanceId::derived(Some(config), Path::new(""));
                names(instance, config) || (instance.config_path.is_empty() && instance.id == derived.as_str())
            }
            (None, None) => true,
        }
    }

    /// An id and a configuration that do not belong together are a mistake, as they are for the server.
    fn check_config(&self, instance: &Instance) -> Result<(), Failure> {
        match &self.config {
            Some(config) if !instance.config_path.is_empty() && !names(instance, config) => {
                Err(Failure::Failed(format!(
                    "instance {} belongs to {}, not to {}; leave out --config or name another instance",
                    instance.id,
                    instance.config_path,
                    config.display()
                )))
            }
            _ => Ok(()),
        }
    }

    fn wanted(&self) -> String {
        match (&self.chosen, &self.config) {
            (Some(chosen), _) => format!("instance {chosen}"),
            (None, Some(config)) => format!("instance that serves {}", config.display()),
            (None, None) => "instance".into(),
        }
    }

    fn nothing(&self, wanted: &str) -> Failure {
        Failure::Nothing(format!(
            "there is no {wanted} below {}; `open-cli-toolbox instances` lists those there are (--state-dir looks elsewhere)",
            self.roots.state.display()
        ))
    }
}

/// Does it serve this configuration, under this name or another one of the same file?
fn names(instance: &Instance, config: &Path) -> bool {
    let recorded = Path::new(&instance.config_path);
    instance.config_path == config.to_string_lossy()
        || matches!((recorded.canonicalize(), config.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
