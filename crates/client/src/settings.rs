//! Which configuration is active, and what of it this client needs (client §4, §5.3; weakness W11). Merging and
//! validation are `open_cli_config`'s.

use crate::Environment;
use open_cli_config::{ConfigError, LOCAL_FILE, Locations, PROJECT_FILE, RemoteOAuth, Scope, Secret};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many folders are looked at on the way up.
const MAX_PARENTS: usize = 64;
/// Marks the root of a checkout.
const REPOSITORY_MARK: &str = ".git";

/// A configuration that can't be used; says which file, line and column.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.render())]
pub struct SettingsError(#[from] ConfigError);

/// A configured service, and what is configured for its upstream's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: String,
    /// Type of its secret, and the secret's id; `None` when none is configured.
    pub secret: Option<(String, String)>,
    /// Its source signs in by itself.
    pub has_source_oauth: bool,
}

/// The scope files that exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopePaths {
    /// Of the machine.
    pub managed: Option<PathBuf>,
    /// Of the person.
    pub user: Option<PathBuf>,
    /// Of the project.
    pub project: Option<PathBuf>,
    /// Personal, in the project.
    pub local: Option<PathBuf>,
}

/// Where to look.
#[derive(Debug, Clone)]
pub struct Places {
    /// `--config` or `OPEN_CLI_CONFIG`.
    pub explicit: Option<PathBuf>,
    /// Folder to start from, absolute.
    pub working_dir: PathBuf,
    /// The person's home: nothing above it is searched.
    pub home: Option<PathBuf>,
    /// Folder above the person's `open-cli` folder.
    pub user_config_dir: Option<PathBuf>,
    /// Folder of the machine's configuration.
    pub managed_dir: PathBuf,
}

impl Places {
    /// The standard places.
    pub fn of(environment: &Environment, explicit: Option<PathBuf>, working_dir: PathBuf) -> Self {
        let variable = |name: &str| environment.get(name).map(Into::into);
        let standard = Locations::from_environment(&variable, working_dir.clone());
        Self {
            explicit,
            working_dir,
            home: environment.get("HOME").map(PathBuf::from),
            user_config_dir: standard.user_config_dir,
            managed_dir: standard.managed_dir,
        }
    }

    /// The person's own configuration file, whether it exists or not.
    pub fn user_file(&self) -> Option<PathBuf> {
        Some(self.user_config_dir.as_ref()?.join("open-cli").join(PROJECT_FILE))
    }

    /// Folder of the project: the nearest one, from the working directory up to the root of the checkout or the
    /// home, that has a configuration. Outside both only the working directory counts, so that a file planted in a
    /// folder above, `/tmp` say, is never picked up.
    fn project_dir(&self) -> Option<PathBuf> {
        let has = |dir: &Path, name: &str| dir.join(name).symlink_metadata().is_ok();
        let upwards = || self.working_dir.ancestors().take(MAX_PARENTS);
        let limit = upwards()
            .find(|dir| has(dir, REPOSITORY_MARK))
            .or_else(|| self.home.as_deref().filter(|home| self.working_dir.starts_with(home)))
            .unwrap_or(&self.working_dir);
        upwards()
            .take_while(|dir| dir.starts_with(limit))
            .find(|dir| has(dir, PROJECT_FILE) || has(dir, LOCAL_FILE))
            .map(Path::to_owned)
    }

    fn locations(&self) -> Locations {
        let absolute = |path: &Path| self.working_dir.join(path);
        let mut locations = Locations::from_environment(&|_| None, self.working_dir.clone());
        locations.managed_dir = self.managed_dir.clone();
        locations.user_config_dir = self.user_config_dir.clone();
        match &self.explicit {
            Some(path) => locations.project = Some(absolute(path)),
            None => locations.working_dir = self.project_dir().unwrap_or_else(|| self.working_dir.clone()),
        }
        locations
    }
}

/// What this client needs of the configuration in force; everything empty when there is none (C4).
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The active file, absolute: project, else local, else user, else managed.
    pub config_path: Option<PathBuf>,
    /// `runtime.remote.url`.
    pub runtime_url: Option<String>,
    /// `runtime.remote.requestConfigPath`.
    pub request_config_path: Option<String>,
    /// `runtime.remote.oauth`.
    pub oauth: Option<RemoteOAuth>,
    /// Configured services, by id.
    pub services: Vec<Service>,
    /// `policy.approvalRequired`; `None` without configuration.
    pub approval_patterns: Option<Vec<String>>,
    /// Enabled sources by type.
    pub source_types: BTreeMap<String, usize>,
    /// The files that were read.
    pub scopes: ScopePaths,
}

impl Settings {
    /// Finds, loads, merges and validates.
    pub fn load(places: &Places) -> Result<Self, SettingsError> {
        let loaded = match open_cli_config::load(&places.locations()) {
            Ok(loaded) => loaded,
            Err(ConfigError::NotFound { .. }) => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        let path_of =
            |wanted: Scope| loaded.files.iter().find(|(scope, _)| *scope == wanted).map(|(_, path)| path.clone());
        let scopes = ScopePaths {
            managed: path_of(Scope::Managed),
            user: path_of(Scope::User),
            project: path_of(Scope::Project),
            local: path_of(Scope::Local),
        };
        let config = loaded.config;
        let remote = config.runtime.remote;
        let mut source_types = BTreeMap::new();
        for source in config.sources.values().filter(|source| source.enabled) {
            *source_types.entry(source.kind.as_str().to_owned()).or_insert(0) += 1;
        }
        let [local, user, managed] = [&scopes.local, &scopes.user, &scopes.managed];
        let config_path = scopes.project.clone().or_else(|| local.clone().or(user.clone()).or(managed.clone()));
        let services = config.services.iter().map(|(id, service)| Service {
            id: id.clone(),
            secret: secret_of(id, &service.source, &config.secrets),
            has_source_oauth: config.sources.get(&service.source).is_some_and(|source| source.oauth.is_some()),
        });
        let services = services.collect();
        let oauth = remote.as_ref().and_then(|remote| remote.oauth.clone());
        Ok(Self {
            config_path,
            runtime_url: remote.as_ref().and_then(|remote| remote.url.as_ref()).map(|url| url.as_str().to_owned()),
            request_config_path: remote.and_then(|remote| remote.request_config_path),
            oauth,
            services,
            approval_patterns: Some(config.policy.approval_required),
            source_types,
            scopes,
        })
    }
}

/// The secret that a service's calls use: the one of a scheme of its own (`<service>.<scheme>`), else one that is named
/// like the service or its source (client §11.5).
fn secret_of(service: &str, source: &str, secrets: &BTreeMap<String, Secret>) -> Option<(String, String)> {
    let own = secrets.keys().find(|id| id.strip_prefix(service).is_some_and(|rest| rest.starts_with('.')));
    let candidates = [format!("{source}.oauth"), service.to_owned(), source.to_owned()];
    let id = own.cloned().or_else(|| candidates.into_iter().find(|id| secrets.contains_key(id)))?;
    let word = match secrets.get(&id)? {
        Secret::Static(secret) => secret.type_word(),
        Secret::OAuth2(_) => "oauth2",
    };
    Some((word.to_owned(), id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use open_cli_config::RemoteOAuthMode;
    use tempfile::TempDir;

    struct Home {
        root: TempDir,
    }

    impl Home {
        fn new(files: &[(&str, &str)]) -> Self {
            let home = Self { root: TempDir::new().unwrap() };
            for (path, text) in files {
                let path = home.path(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
            }
            home
        }
        fn path(&self, path: &str) -> PathBuf {
            self.root.path().join(path)
        }
        fn places(&self, dir: &str) -> Places {
            std::fs::create_dir_all(self.path(dir)).unwrap();
            Places {
                explicit: None,
                working_dir: self.path(dir),
                home: Some(self.path("home")),
                user_config_dir: Some(self.path("home/.config")),
                managed_dir: self.path("etc"),
            }
        }
        fn active(&self, dir: &str) -> Option<PathBuf> {
            Settings::load(&self.places(dir)).unwrap().config_path
        }
    }

    fn config(url: &str) -> String {
        format!(r#"{{"cli":"1.0.0","mode":{{"default":"discover"}},"runtime":{{"remote":{{"url":"{url}"}}}}}}"#)
    }

    /// W11.
    #[test]
    fn the_way_up_ends_at_the_checkout_or_at_home() {
        let text = config("http://h");
        let home = Home::new(&[
            (".cli.json", &text),
            ("home/.cli.json", &text),
            ("home/repo/.git/HEAD", ""),
            ("home/app/.cli.json", &text),
            ("srv/repo/.git/HEAD", ""),
            ("srv/repo/.cli.json", &text),
        ]);
        for (dir, expected) in [
            ("home/app/src/deep", Some("home/app/.cli.json")),
            ("home/other", Some("home/.cli.json")),
            ("home/repo/src", None),
            ("srv/repo/src", Some("srv/repo/.cli.json")),
            ("srv/elsewhere", None),
            ("", Some(".cli.json")),
        ] {
            assert_eq!(home.active(dir), expected.map(|path| home.path(path)), "{dir}");
        }
    }

    /// C2, C4: project, local, user, managed; nothing is nothing.
    #[test]
    fn the_active_file_is_the_nearest_scope_that_exists() {
        let text = config("http://h");
        let all = [
            ("etc/.cli.json", &*text),
            ("home/.config/open-cli/.cli.json", &text),
            ("home/p/.cli.local.json", &text),
            ("home/p/.cli.json", &text),
        ];
        for count in 0..=all.len() {
            let home = Home::new(&all[..count]);
            let expected = all[..count].last().map(|(path, _)| home.path(path));
            assert_eq!(home.active("home/p"), expected);
        }
    }

    #[test]
    fn what_the_client_needs_is_taken_from_all_scopes_together() {
        let home = Home::new(&[
            ("home/.config/open-cli/.cli.json", r#"{"policy":{"approvalRequired":["a:*"]}}"#),
            (
                "home/p/x.json",
                r#"{"cli":"1","mode":{"default":"discover"},
                   "runtime":{"mode":"remote","remote":{"url":"http://h","requestConfigPath":"/srv/x.json",
                     "oauth":{"mode":"providedToken","tokenRef":"env:T"}}},
                   "sources":{"s":{"type":"openapi","uri":"./s.yaml"},"t":{"type":"openapi","uri":"./t.yaml","enabled":false}}}"#,
            ),
        ]);
        let places = Places { explicit: Some("x.json".into()), ..home.places("home/p") };
        let settings = Settings::load(&places).unwrap();
        assert_eq!(settings.config_path, Some(home.path("home/p/x.json")));
        assert_eq!(settings.runtime_url.as_deref(), Some("http://h"));
        assert_eq!(settings.request_config_path.as_deref(), Some("/srv/x.json"));
        let oauth = settings.oauth.unwrap();
        assert_eq!(
            (oauth.mode, oauth.token_ref.as_deref()),
            (Some(RemoteOAuthMode::ProvidedToken), Some("env:T"))
        );
        assert_eq!(settings.approval_patterns, Some(vec!["a:*".to_owned()]));
        assert_eq!(settings.source_types, BTreeMap::from([("openapi".to_owned(), 1)]));
    }

    /// C1, C7.
    #[test]
    fn a_named_file_must_exist_and_every_file_must_be_valid() {
        let home = Home::new(&[("p/.cli.json", "{\"cli\": 1}")]);
        let missing = Places { explicit: Some("nope.json".into()), ..home.places("p") };
        assert!(Settings::load(&missing).unwrap_err().to_string().contains("nope.json"));
        let text = Settings::load(&home.places("p")).unwrap_err().to_string();
        assert!(text.contains(".cli.json:1:"), "{text}");
    }
}
