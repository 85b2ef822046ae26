//! Member: a user with a telephone. The client chooses the number.

use crate::domain::prelude::*;

/// The user with this number.
#[entity(context = "carshare.member", collection = "members", generic, id(user_id: Id<Member>))]
pub struct Member {
    #[exists]
    phone: String,
}

#[command]
pub enum Command {
    Join { phone: String },
}

#[event]
pub enum Event {
    Joined { user_id: Id<Member>, phone: String },
}

impl Aggregate for Member {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        let Command::Join { phone } = command;
        if phone.is_empty() {
            return Err(Refusal::invalid(
                "no-phone",
                "a member has a telephone",
                "전화번호가 없습니다",
            ));
        }
        if self.phone == phone { ignore() } else { emit(Event::Joined { user_id: this.id, phone }) }
    }

    fn evolve(&mut self, event: &Event) {
        let Event::Joined { phone, .. } = event;
        self.phone.clone_from(phone);
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |NewMember { user_id, phone }: NewMember| {
            (Target::Chosen(user_id), Command::Join { phone })
        });
    }
}

/// `POST /members`
#[body]
pub struct NewMember {
    pub user_id: Id<Member>,
    pub phone: String,
}
