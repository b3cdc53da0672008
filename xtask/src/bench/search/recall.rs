//! The settings that reach a recall at the least cost, and what they cost.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of queries"
)]

use serde_json::json;

use super::{Choice, Point, Race, SAMPLE, Timed, threads};
use crate::bench::process::median;
use crate::run::{Failure, Outcome};

/// Recalls that settings are looked for to reach.
const TARGETS: [f64; 3] = [0.90, 0.95, 0.99];

impl Race<'_> {
    /// Takes a point of the curve of a participant.
    pub(super) fn point(&mut self, at: usize, setting: &str) -> Result<Point, Failure> {
        if let Some(known) = self.participants[at].curve.iter().find(|p| p.setting == setting) {
            return Ok(known.clone());
        }
        let queries = SAMPLE.min(self.queries);
        let (timed, recall) = self.search(at, setting, 1, queries)?;
        let rate = queries as f64 / timed.seconds;
        let point = Point { setting: setting.to_owned(), recall, rate };
        let participant = &mut self.participants[at];
        participant.curve.push(point.clone());
        let figure = json!({
            "group": participant.group, "name": participant.name, "setting": setting,
            "recall": recall, "rate": rate, "queries": queries,
        });
        self.session.keep("curve", figure)?;
        Ok(point)
    }

    /// Goes through the settings, and looks between them for those that just reach the targets.
    pub(super) fn calibrate(&mut self, at: usize) -> Outcome {
        // The first search finds files in no memory; it does not count.
        let first = self.participants[at].ladder[0].clone();
        self.search(at, &first, 1, SAMPLE.min(self.queries))?;
        let whole = self.participants[at].whole;
        for setting in self.participants[at].ladder.clone() {
            let point = self.point(at, &setting)?;
            // More would only be slower.
            if whole && (point.recall >= 0.995 || point.rate < 60.0) {
                break;
            }
        }
        if !whole {
            return Ok(());
        }
        for target in TARGETS {
            let mut curve = self.participants[at].curve.clone();
            curve.sort_by(|a, b| a.recall.total_cmp(&b.recall));
            let above = curve.iter().position(|point| point.recall >= target);
            let Some(above) = above.filter(|&above| above > 0) else { continue };
            let (below, above) = (&curve[above - 1], &curve[above]);
            let log = |point: &Point| point.setting.parse::<f64>().map(f64::ln);
            let (Ok(low), Ok(high)) = (log(below), log(above)) else { continue };
            let share = (target - below.recall) / (above.recall - below.recall);
            let mut guess = (low + share * (high - low)).exp();
            // The curve is bent: a step or two further it is reached.
            for _ in 0..3 {
                if self.point(at, &format!("{guess:.0}"))?.recall >= target {
                    break;
                }
                guess *= 1.08;
            }
        }
        Ok(())
    }

    /// For each target and group, the fastest way of reaching it.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::new();
        for target in TARGETS {
            for (participant, one) in self.participants.iter().enumerate() {
                let reaching = one.curve.iter().filter(|point| point.recall >= target);
                let Some(best) = reaching.max_by(|a, b| a.rate.total_cmp(&b.rate)) else {
                    continue;
                };
                let known = choices.iter_mut().find(|choice| {
                    choice.target == target
                        && self.participants[choice.participant].group == one.group
                });
                let choice = Choice { participant, target, point: best.clone() };
                match known {
                    Some(known) if known.point.rate >= best.rate => {}
                    Some(known) => *known = choice,
                    None => choices.push(choice),
                }
            }
        }
        choices
    }

    /// Measures the choices in turns, and returns the rate of each with all threads.
    pub(super) fn measure(&mut self, choices: &[Choice]) -> Result<Vec<f64>, Failure> {
        let seconds = if self.session.options.quick { 0.5 } else { 1.5 };
        let mut rates = vec![0.0; choices.len()];
        for threads in threads() {
            let mut timed: Vec<Vec<Timed>> = choices.iter().map(|_| Vec::new()).collect();
            let mut recalls = vec![0.0; choices.len()];
            let queries = |choice: &Choice, all: usize| {
                let wanted = choice.point.rate * threads as f64 * seconds;
                (wanted as usize).max(SAMPLE).min(all)
            };
            for _ in 0..self.session.options.rounds() {
                for (at, choice) in choices.iter().enumerate() {
                    let asked = queries(choice, self.queries);
                    let setting = &choice.point.setting;
                    let (cost, recall) =
                        self.search(choice.participant, setting, threads, asked)?;
                    timed[at].push(cost);
                    recalls[at] = recall;
                }
            }
            for (at, choice) in choices.iter().enumerate() {
                let middle =
                    |field: fn(&Timed) -> f64| median(timed[at].iter().map(field).collect());
                let asked = queries(choice, self.queries);
                let seconds = middle(|timed| timed.seconds);
                rates[at] = asked as f64 / seconds;
                let participant = &self.participants[choice.participant];
                let figure = json!({
                    "group": participant.group, "name": participant.name,
                    "setting": choice.point.setting, "target": format!("{:.2}", choice.target),
                    "threads": threads, "recall": recalls[at], "queries": asked,
                    "seconds": seconds, "cpu": middle(|timed| timed.cpu),
                });
                self.session.keep("target", figure)?;
            }
        }
        Ok(rates)
    }
}
