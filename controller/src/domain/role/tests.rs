//! Rights, generated.

use proptest::prelude::*;

use super::*;
use crate::domain::ids::UserId;

fn path(ids: &[usize]) -> AreaPath {
    // An id in a path is unique by its depth, as in a real tree.
    AreaPath::new(ids.iter().enumerate().map(|(d, i)| AreaId::new(format!("a{d}x{i}")).unwrap()).collect())
        .unwrap()
}

fn any_path() -> impl Strategy<Value = AreaPath> {
    proptest::collection::vec(0usize..3, 1..5).prop_map(|ids| path(&ids))
}

fn any_grant() -> impl Strategy<Value = Grant> {
    (0usize..4, proptest::option::of(any_path()), 0u8..8).prop_map(|(role, scope, bits)| Grant {
        role: Role::ALL[role],
        scope: Scope::of(scope),
        classes: ClassSet(bits),
    })
}

fn any_action() -> impl Strategy<Value = Action> {
    (0usize..9, 0usize..3).prop_map(|(kind, class)| {
        let class = Class::ALL[class];
        [
            Action::Read,
            Action::Write(class),
            Action::Approve(class),
            Action::Schedule(class),
            Action::ManageNodes,
            Action::ManageAreas,
            Action::ManageWords,
            Action::ManageCalendars,
            Action::ManageUsers,
            Action::ReadAudit,
        ][kind]
    })
}

proptest! {
    #[test]
    fn a_right_here_is_a_right_below_and_never_beside(grant in any_grant(), action in any_action(), area in any_path(), child in 0usize..3) {
        let mut below: Vec<AreaId> = area.areas().to_vec();
        below.push(AreaId::new(format!("a{}x{child}", below.len())).unwrap());
        let below = AreaPath::new(below).unwrap();
        if grant.allows(action, &area) {
            prop_assert!(grant.allows(action, &below));
        }
        if let Scope::Area(own) = &grant.scope && !area.areas().starts_with(own.areas()) {
            prop_assert!(!grant.allows(action, &area));
        }
    }

    #[test]
    fn nobody_hands_out_more_than_they_administer(own in any_grant(), given in any_grant(), area in any_path(), class in 0usize..3) {
        let class = Class::ALL[class];
        let admin = Principal::user(UserId::fresh(), "a", vec![own.clone()]);
        if admin.may_grant(&given) && given.scope.covers(&area) {
            prop_assert!(own.role == Role::Admin && own.scope.covers(&area));
            prop_assert!(!given.classes.contains(class) || own.classes.contains(class));
        }
    }

    #[test]
    fn class_sets_round_trip_as_text(bits in 0u8..8) {
        prop_assert_eq!(ClassSet(bits).to_string().parse::<ClassSet>(), Ok(ClassSet(bits)));
    }
}

#[test]
fn an_administrator_neither_writes_nor_approves() {
    let grant = Grant { role: Role::Admin, scope: Scope::Everywhere, classes: ClassSet::ALL };
    let admin = Principal::user(UserId::fresh(), "a", vec![grant]);
    let area = path(&[0]);
    assert!(!admin.may(Action::Write(Class::Normal), &area));
    assert!(!admin.may(Action::Approve(Class::Normal), &area));
    assert!(admin.may(Action::ManageUsers, &area));
    assert!(!Principal::operator().may(Action::Approve(Class::Normal), &area));
}

#[test]
fn a_class_that_was_not_granted_is_refused() {
    let classes = ClassSet::of([Class::Normal, Class::Priority]);
    let grant = Grant { role: Role::Author, scope: Scope::Area(path(&[0])), classes };
    let author = Principal::user(UserId::fresh(), "a", vec![grant]);
    assert!(author.may(Action::Write(Class::Priority), &path(&[0, 1])));
    let refused = author.require(Action::Schedule(Class::Emergency), &path(&[0, 1])).unwrap_err();
    assert_eq!(refused.message().code, "forbidden.emergency");
}
