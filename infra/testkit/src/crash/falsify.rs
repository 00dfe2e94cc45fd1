//! A book with an untrue entry of every kind, to see that the check finds each.

use super::book::{Line, Pages, Sent};

/// A host that never was.
const NOBODY: &str = "crash-nobody";

pub struct Falsified {
    pub pages: Pages,
    /// What must be said of it.
    pub wanted: Vec<String>,
}

/// Falsifies what there is in a book that is true; kinds of which it has nothing are left out.
pub fn each(book: &Pages) -> Falsified {
    let mut falsified = Falsified { pages: book.clone(), wanted: Vec::new() };
    falsified.enrolments();
    falsified.lines();
    falsified.answers();
    falsified.followers();
    falsified
}

impl Falsified {
    fn enrolments(&mut self) {
        self.pages.enrolled.insert(NOBODY.to_owned());
        self.wants(format!("the enrolment of {NOBODY} is not in the ledger"));
        self.wants(format!("{NOBODY} is enrolled and not in the list of hosts"));
        if let Some(host) = self.pages.tried.pop_first() {
            self.wants(format!("{host:?} is in the list of hosts and never enrolled"));
        }
    }

    fn lines(&mut self) {
        for kind in ["result", "status"] {
            if let Some(line) = self.pages.lines.iter().find(|line| line.kind == kind).cloned() {
                let text = line.text.replace("#", "#0");
                self.wants(format!("a {kind} line of {} is not in the log: {text}", line.host));
                self.pages.lines.push(Line { text, ..line.clone() });
                // An equal line that was one more than were posted.
                self.pages.lines.push(Line { number: line.number + 9, ..line.clone() });
                self.wants(format!("a {kind} line of {} is not in the log: {}", line.host, line.text));
            }
        }
        if let Some((host, mark)) = self.pages.snapshots.iter_mut().next() {
            mark.push('0');
            let wanted = format!("{mark}, the newest snapshot of {host}, is not its latest result");
            self.wants(wanted);
        }
    }

    fn answers(&mut self) {
        let Some((key, sent)) = self.pages.answers.iter_mut().rfind(|(_, sent)| sent.acknowledged) else { return };
        sent.marks.clear();
        let (campaign, host) = key.clone();
        self.wants(format!("campaign {campaign} has an answer that {host} never sent"));
        self.pages.answers.insert((campaign, NOBODY.to_owned()), Sent { marks: vec![], acknowledged: true });
        self.wants(format!("campaign {campaign} lacks the answer of {NOBODY}"));
    }

    fn followers(&mut self) {
        let mut followed = self.pages.followed.iter_mut().filter(|(_, seen)| !seen.is_empty());
        let (twice, missed) = (followed.next(), followed.next());
        let mut wanted = Vec::new();
        if let Some((campaign, seen)) = twice {
            seen.push(seen[0]);
            wanted.push(format!("a follower of campaign {campaign} saw results out of order, or twice"));
        }
        if let Some((campaign, seen)) = missed {
            let last = seen.pop();
            wanted.push(format!("a follower of campaign {campaign} missed {:?}", last.into_iter().collect::<Vec<_>>()));
        }
        self.wanted.extend(wanted);
    }

    fn wants(&mut self, sentence: String) {
        self.wanted.push(sentence);
    }
}
