//! The lists that the documents need, as Markdown, from the declarations: settings, metrics, problems, events, routes, audiences.

mod audiences;
mod events;
mod metrics;
mod problems;
mod routes;
mod settings;
mod table;

pub use audiences::list_audiences;
pub use events::list_events;
pub use metrics::list_metrics;
pub use problems::list_problems;
pub use routes::{FixedRoute, fixed_routes, routes};
pub use settings::list_settings;
