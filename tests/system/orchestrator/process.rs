//! A process of an orchestrator, and what it says.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::watch,
};

use crate::house::PATIENCE;

pub(super) struct Orchestrator {
    child: Child,
    said: watch::Receiver<String>,
    /// How much of it was waited for already.
    heard: usize,
}

impl Orchestrator {
    pub(super) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the orchestrator starts");
        let (keep, said) = watch::channel(String::new());
        let (stdout, stderr) = (child.stdout.take().expect("its output"), child.stderr.take().expect("its errors"));
        let (mut output, mut errors) = (BufReader::new(stdout).lines(), BufReader::new(stderr).lines());
        tokio::spawn(async move {
            let (mut open, mut more) = (true, true);
            while open || more {
                let line = tokio::select! {
                    line = output.next_line(), if open => { let line = line.ok().flatten(); open = line.is_some(); line }
                    line = errors.next_line(), if more => { let line = line.ok().flatten(); more = line.is_some(); line }
                };
                keep.send_modify(|said| line.iter().for_each(|line| said.extend([line, "\n"])));
            }
        });
        Self { child, said, heard: 0 }
    }

    /// Waits until it says these words, after those that were waited for before; the line.
    pub(super) async fn says(&mut self, words: &str) -> String {
        let heard = self.heard;
        let mut listening = self.said.clone();
        let waited = tokio::time::timeout(PATIENCE, listening.wait_for(|said| said[heard..].contains(words))).await;
        if !matches!(waited, Ok(Ok(_))) {
            panic!("it never said {words:?}, but:\n{}", *self.said.borrow());
        }
        let said = self.said.borrow();
        let at = heard + said[heard..].find(words).expect("the words");
        let end = said[at..].find('\n').map_or(said.len(), |end| at + end);
        self.heard = end;
        said[at..end].to_owned()
    }

    /// Waits for something that it should bring about.
    pub(super) async fn until(&mut self, event: impl Future<Output = ()>, name: &str) {
        if tokio::time::timeout(PATIENCE, event).await.is_err() {
            panic!("{name} never came; it said:\n{}", *self.said.borrow());
        }
    }

    /// Kills it without a word; what it said.
    pub(super) async fn kill(mut self) -> String {
        self.child.kill().await.expect("it is killed");
        self.all().await
    }

    /// Waits until it has ended by itself with this code; what it said.
    pub(super) async fn ended(mut self, code: i32) -> String {
        let Ok(status) = tokio::time::timeout(PATIENCE, self.child.wait()).await else {
            panic!("it never ended:\n{}", *self.said.borrow());
        };
        let (status, said) = (status.expect("it is waited for"), self.all().await);
        assert_eq!(status.code(), Some(code), "{said}");
        said
    }

    /// All that it said, once it has ended.
    async fn all(&mut self) -> String {
        // The channel closes when all of it is read.
        while self.said.changed().await.is_ok() {}
        self.said.borrow().clone()
    }
}
