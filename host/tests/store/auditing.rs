//! The audit log: a chain that only grows.

use flightdeck::{
    domain::{
        audit::{AuditFault, AuditLine, Head, Verifier, key_of},
        keys::Keyring,
        person::Person,
    },
    store::{Recording, Revocation, StoreError, TokenRecord, Write},
};
use futures::future::join_all;

use super::fixtures::{Store, accept, at, audit, stored_operation};

/// The whole log.
pub(crate) async fn whole(store: &Store) -> Vec<AuditLine> {
    let mut lines: Vec<AuditLine> = Vec::new();
    loop {
        let after = lines.last().map_or(i64::MIN, |line| line.number);
        let more = store.audit(after, 7).await.unwrap();
        if more.is_empty() {
            return lines;
        }
        lines.extend(more);
    }
}

/// A log whose chain begins at its first line.
pub(crate) fn verify(lines: &[AuditLine]) -> Result<Head, AuditFault> {
    verify_from(1, lines)
}

pub(crate) fn verify_from(begins: i64, lines: &[AuditLine]) -> Result<Head, AuditFault> {
    let mut verifier = Verifier::new(begins, None).with_keys(Keyring::of_this_process());
    lines.iter().try_for_each(|line| verifier.take(line))?;
    verifier.end()
}

pub(crate) async fn lines_are_linked_in_the_order_in_which_they_were_written(store: Store) {
    assert!(whole(&store).await.is_empty());
    assert_eq!(store.audit_begins().await.unwrap(), Some(1));
    for number in 0..9 {
        let lines = [audit("task.approved", &format!("t{number}")), audit("operation.queued", "op-1")];
        store.record(lines.map(Write::Audit)).await.unwrap();
    }
    let lines = whole(&store).await;
    assert_eq!(verify(&lines).unwrap().number, 18);
    let key = store.keys().current().unwrap().name().to_owned();
    assert!(lines.iter().all(|line| key_of(&line.link) == Some(key.as_str())), "{lines:?}");
    assert_eq!(store.audit_head().await.unwrap(), verify(&lines).unwrap());
    let numbers: Vec<i64> = lines.iter().map(|line| line.number).collect();
    assert_eq!(numbers, (1..=18).collect::<Vec<_>>());
    assert_eq!(store.last_audit("t3").await.unwrap(), Some(lines[6].clone()));
    assert_eq!(store.last_audit("op-1").await.unwrap(), Some(lines[17].clone()));
    assert_eq!(store.last_audit("nobody").await.unwrap(), None);
}

pub(crate) async fn a_refused_recording_leaves_no_line_and_no_gap(store: Store) {
    let id = accept(&store, "b1").await;
    let mut stale = stored_operation(&store, &id).await;
    stale.version += 1;
    let before = whole(&store).await;
    let refused = Recording::from([Write::Operation(stale), Write::Audit(audit("x", "y"))]);
    assert!(matches!(store.record(refused).await, Err(StoreError::Stale(_))));
    assert_eq!(whole(&store).await, before);
    store.record(Write::Audit(audit("x", "y"))).await.unwrap();
    assert!(verify(&whole(&store).await).is_ok());
}

pub(crate) async fn many_writers_at_once_make_one_chain(store: Store) {
    let writers = (0..24).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..5 {
                let lines = vec![audit("task.approved", &format!("{writer}-{number}")); 1 + number % 3];
                store.record(lines.into_iter().map(Write::Audit).collect::<Recording>()).await.unwrap();
            }
        })
    });
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    assert_eq!(verify(&whole(&store).await).unwrap().number, 24 * 9);
}

/// A reviewer's token.
pub(crate) fn token(name: &str) -> TokenRecord {
    TokenRecord {
        name: name.to_owned(),
        person: Person::new(name),
        sha256: "c".repeat(64),
        role: "reviewer".to_owned(),
        principal: None,
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
    }
}

pub(crate) async fn a_token_and_its_line_are_written_together(store: Store) {
    let token = token("rita");
    store.add_token(&token, audit("token.created", "token:rita")).await.unwrap();
    let again = store.add_token(&token, audit("token.created", "token:rita")).await;
    assert!(matches!(again, Err(StoreError::Stale(_))));
    let lines = whole(&store).await;
    assert_eq!((lines.len(), lines[0].subject.as_str()), (1, "token:rita"));
}

pub(crate) async fn a_revocation_is_of_a_digest_and_is_taken_back_by_it(store: Store) {
    let configured = |digest: &str| Revocation { name: "anna".to_owned(), sha256: digest.to_owned(), at: at(1) };
    let line = |action: &str| audit(action, "token:anna");
    store.revoke_digest(&configured("a"), line("token.revoked")).await.unwrap();
    let again = store.revoke_digest(&configured("a"), line("token.revoked")).await;
    assert!(matches!(again, Err(StoreError::Stale(_))));
    store.revoke_digest(&configured("b"), line("token.revoked")).await.unwrap();
    // A token that was made is revoked where it stands; both kinds are asked for alike.
    let made = token("rita");
    store.add_token(&made, audit("token.created", "token:rita")).await.unwrap();
    let asked: Vec<String> = ["a", "b", "x", &made.sha256].map(str::to_owned).into();
    assert_eq!(store.revoked_among(&asked).await.unwrap().len(), 2);
    store.revoke_token("rita", audit("token.revoked", "token:rita")).await.unwrap();
    let names: Vec<String> = store.revocations().await.unwrap().into_iter().map(|revoked| revoked.name).collect();
    assert_eq!(names, ["rita", "anna", "anna"], "oldest first");
    let many: Vec<String> = (0..1_200).map(|number| number.to_string()).chain(asked.clone()).collect();
    assert_eq!(store.revoked_among(&many).await.unwrap().len(), 3);
    assert_eq!(store.revoked_among(&[]).await.unwrap(), Vec::<String>::new());
    for digest in ["a", &made.sha256] {
        store.restore_token(digest, line("token.restored")).await.unwrap();
        assert!(matches!(store.restore_token(digest, line("token.restored")).await, Err(StoreError::Stale(_))));
    }
    assert_eq!(store.revocations().await.unwrap(), [configured("b")]);
    assert_eq!(store.token(&made.sha256).await.unwrap().unwrap().revoked_at, None);
    let told = whole(&store).await.iter().filter(|line| line.text.contains("token.re")).count();
    assert_eq!(told, 3 + 2, "what was refused is not told");
}
