//! `token`: tokens of development.

use super::sources::{Sources, require_data};
use crate::{
    actors::Machine,
    app::{Failure, print_text},
    config::AuthMode,
    credentials::{ActAs, DevelopmentTokens},
};
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct MakeToken {
    #[command(flatten)]
    sources: Sources,
    /// Whom to act as: customer/7, customer/7/VIP for one of a grade, staff, admin, operator, auditor.
    #[arg(long = "as", value_name = "WHO")]
    acting_as: ActAs,
    /// After how many hours it ends.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=8760))]
    hours: u32,
}

impl MakeToken {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { sources, acting_as, hours } = self;
        let settings = sources.load_config()?.settings;
        if settings.auth.mode != AuthMode::Open {
            let what = "tokens of development are taken only where `auth.mode` is \"open\"";
            return Err(Failure::Failed(what.into()));
        }
        let dir = &settings.store.dir;
        require_data(dir)?;
        let tokens = DevelopmentTokens::open(dir, Machine::default());
        let token = tokens.map_err(Failure::from_error)?.issue(&acting_as, hours);
        print_text(&format!("{token}\n"))
    }
}
