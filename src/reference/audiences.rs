//! Who may do what in each context.

use super::table::{code_text, write_table};
use crate::{
    actors::{Declaration, RouteInfo, Verb, collect_declarations},
    domain::{Reads, Role},
    systems,
};

/// Who reads the things of every context of `system`, or of all systems, and who sends which command.
pub fn list_audiences(system: Option<&str>) -> String {
    let declared = collect_declarations(|board| {
        for name in systems::NAMES.iter().filter(|name| system.is_none_or(|one| one == **name)) {
            systems::lay_out(name, board);
        }
    });
    let rows = declared.iter().map(|context| {
        let of_customers = list_commands(context.as_ref(), |role| role != Role::Admin);
        let of_staff = list_commands(context.as_ref(), |role| role == Role::Admin);
        [
            code_text(context.name().context),
            describe_readers(context.reads()),
            of_customers,
            of_staff,
        ]
    });
    let columns = ["context", "who reads", "commands of customers, on their own", "of staff alone"];
    write_table(columns, rows)
}

fn describe_readers(reads: Reads) -> String {
    match reads {
        Reads::Public => "anyone".to_owned(),
        Reads::Owner => "the customer whose it is, and staff".to_owned(),
        Reads::Staff => "staff".to_owned(),
        Reads::PublicWithout(fields) => {
            let fields: Vec<_> = fields.iter().map(|field| code_text(field)).collect();
            format!("anyone; {} the customer who has it, and staff", fields.join(", "))
        }
    }
}

fn list_commands(context: &dyn Declaration, is_listed: impl Fn(Role) -> bool) -> String {
    let routes = context.routes().iter().filter(|route| is_listed(route.role));
    routes.map(|route| code_text(&describe_route(route))).collect::<Vec<_>>().join(", ")
}

fn describe_route(route: &RouteInfo) -> String {
    let method = match route.verb {
        Verb::Post => "POST",
        Verb::Patch => "PATCH",
        Verb::Delete => "DELETE",
    };
    let word = route.word.map(|word| format!(" {word}")).unwrap_or_default();
    [method, &word].concat()
}
