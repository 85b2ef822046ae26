//! What is withheld from whom, of things that everyone may read.

use super::{Owner, Principal, Role};
use crate::domain::Reads;

/// The fields of a thing of this `owner` that `caller` is not shown, in their wire names: see [`Reads::PublicWithout`]. With
/// [`Owner::Unknown`]: those that `caller` is not shown of things of just anyone, and so neither filters nor sorts by.
pub fn withheld_fields(
    reads: Reads,
    caller: Option<&Principal>,
    owner: Owner<'_>,
) -> &'static [&'static str] {
    let Reads::PublicWithout(fields) = reads else { return &[] };
    let is_holder = |caller: &Principal| match owner {
        Owner::Known(Some(owner)) => {
            caller.roles.has(Role::Customer) && caller.customer.as_deref() == Some(owner)
        }
        Owner::Known(None) | Owner::Unknown => false,
    };
    let sees_all = caller.is_some_and(|caller| caller.roles.has(Role::Staff) || is_holder(caller));
    if sees_all { &[] } else { fields }
}

/// Whether `caller` is shown personal fields in administration: those who run the server get them masked.
pub fn sees_personal(caller: Option<&Principal>) -> bool {
    caller.is_some_and(|caller| caller.roles.has(Role::Admin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    const FIELDS: &[&str] = &["userId", "rentId"];

    #[test]
    fn the_holder_staff_and_admins_see_all_and_others_what_is_public() {
        let caller = |role, customer: Option<&str>| Principal {
            roles: [role].into_iter().collect(),
            customer: customer.map(str::to_owned),
            ..Principal::default()
        };
        let reads = Reads::PublicWithout(FIELDS);
        for role in Role::iter() {
            for customer in [None, Some("7"), Some("8")] {
                let caller = caller(role, customer);
                let is_staff = matches!(role, Role::Staff | Role::Admin);
                let is_holder = role == Role::Customer && customer == Some("7");
                let withheld = |owner| withheld_fields(reads, Some(&caller), owner);
                let expected = |sees: bool| if sees { &[][..] } else { FIELDS };
                assert_eq!(withheld(Owner::Known(Some("7"))), expected(is_staff || is_holder));
                assert_eq!(withheld(Owner::Known(None)), expected(is_staff), "{role:?}");
                assert_eq!(withheld(Owner::Unknown), expected(is_staff), "{role:?}");
            }
        }
        for owner in [Owner::Unknown, Owner::Known(None), Owner::Known(Some("7"))] {
            assert_eq!(withheld_fields(reads, None, owner), FIELDS);
            assert!(withheld_fields(reads, Some(&Principal::development()), owner).is_empty());
            for others in [Reads::Public, Reads::Owner, Reads::Staff] {
                assert!(withheld_fields(others, None, owner).is_empty());
            }
        }
    }
}
