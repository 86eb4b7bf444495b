//! The policy rules and secret sources of a configuration, as the rooms that use them want them.

use open_cli_config::{Config, Loaded, Mode as ConfigMode, Secret, StaticSecret};
use open_cli_credentials::{SecretSource, Secrets};
use open_cli_policy::{Mode, Profile, Rules, ToolSet};

pub(crate) fn rules(loaded: &Loaded) -> Rules {
    let config = &loaded.config;
    let tool_sets = config
        .curation
        .tool_sets
        .iter()
        .map(|(name, set)| (name.clone(), ToolSet { allow: set.allow.clone(), deny: set.deny.clone() }));
    let profiles = config.agents.profiles.iter().map(|(name, profile)| {
        (name.clone(), Profile { mode: profile.mode.map(mode), tool_set: profile.tool_set.clone() })
    });
    Rules {
        managed_deny: loaded.managed_deny.clone(),
        deny: config.policy.deny.clone(),
        approval_required: config.policy.approval_required.clone(),
        default_mode: mode(config.mode.default),
        tool_sets: tool_sets.collect(),
        profiles: profiles.collect(),
        default_profile: config.agents.default_profile.clone(),
    }
}

fn mode(mode: ConfigMode) -> Mode {
    match mode {
        ConfigMode::Discover => Mode::Discover,
        ConfigMode::Curated => Mode::Curated,
    }
}

pub(crate) fn secrets(config: &Config) -> Secrets {
    Secrets::new(config.secrets.iter().map(|(key, secret)| (key.clone(), source(secret))))
}

fn source(secret: &Secret) -> SecretSource {
    match secret {
        Secret::Static(StaticSecret::Literal(text)) => SecretSource::Literal(text.reveal().into()),
        Secret::Static(StaticSecret::Env { variable }) => SecretSource::Env(variable.clone()),
        Secret::Static(StaticSecret::File(reference)) => SecretSource::File(reference.path()),
        Secret::Static(other) => SecretSource::Unsupported(other.type_word()),
        Secret::OAuth2(_) => SecretSource::Unsupported("oauth2"),
    }
}
