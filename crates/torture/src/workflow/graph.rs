//! Random graphs: chains, trees, layers, fans, and everything mixed, with several roots and leaves.

use crate::chance::Chance;

/// Chains are short: a step takes its time.
const LONGEST_CHAIN: usize = 30;

/// For each of so many steps those that it depends on, all of them before it.
pub(super) fn draw(chance: &mut Chance, n: usize) -> Vec<Vec<usize>> {
    let style = if n <= LONGEST_CHAIN { chance.below(5) } else { chance.between(1, 4) };
    let width = chance.between(2, 2 + n / 4);
    let of = |chance: &mut Chance, step: usize| match style {
        0 => chain(chance, step),
        1 => tree(chance, step),
        2 => layer(chance, step, width),
        3 => fan(chance, step, width),
        _ => mixed(chance, step),
    };
    (0..n).map(|step| if step == 0 || chance.per_mille(30) { Vec::new() } else { of(chance, step) }).collect()
}

fn chain(chance: &mut Chance, step: usize) -> Vec<usize> {
    let mut parents = vec![step - 1];
    if step > 2 && chance.per_mille(100) {
        parents.push(chance.below(step - 1));
    }
    parents
}

fn tree(chance: &mut Chance, step: usize) -> Vec<usize> {
    vec![if chance.per_mille(300) { step / 2 } else { chance.below(step) }]
}

/// Up to three steps of the layer before; the first layer has none.
fn layer(chance: &mut Chance, step: usize, width: usize) -> Vec<usize> {
    let Some(above) = (step / width).checked_sub(1) else { return Vec::new() };
    some(chance, above * width, width, 3)
}

/// Every so manieth step is after all since the one before, which all of those are after.
fn fan(chance: &mut Chance, step: usize, width: usize) -> Vec<usize> {
    let hub = (step - 1) / width * width;
    if step.is_multiple_of(width) {
        let least = step - width + 1;
        return (least..step).filter(|_| chance.per_mille(950)).chain([hub]).collect();
    }
    vec![hub]
}

fn mixed(chance: &mut Chance, step: usize) -> Vec<usize> {
    let reach = step.min(if chance.per_mille(800) { 12 } else { step });
    some(chance, step - reach, reach, 4)
}

/// Between one and `most` of `n` steps from `first` on.
fn some(chance: &mut Chance, first: usize, n: usize, most: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = (0..chance.between(1, most)).map(|_| first + chance.below(n)).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// For each step all that it depends on, directly or by steps that lead further up.
pub(super) fn ancestors(parents: &[Vec<usize>], leads_up: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::with_capacity(parents.len());
    for direct in parents {
        let above = |parent: usize| if leads_up(parent) { all[parent].as_slice() } else { &[] };
        let mut of_step: Vec<usize> =
            direct.iter().flat_map(|&parent| above(parent).iter().copied().chain([parent])).collect();
        of_step.sort_unstable();
        of_step.dedup();
        all.push(of_step);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_are_found_as_far_as_steps_lead_up() {
        let parents = [vec![], vec![0], vec![1], vec![2, 0]];
        assert_eq!(ancestors(&parents, |_| true)[3], [0, 1, 2]);
        assert_eq!(ancestors(&parents, |step| step != 2)[3], [0, 2]);
    }

    #[test]
    fn every_step_is_after_its_parents_and_graphs_are_wide_deep_and_dense() {
        let (mut widest, mut roots, mut deepest) = (0, 0, 0);
        for seed in 0..300 {
            let mut chance = Chance::new(seed);
            let n = chance.between(1, 200);
            let parents = draw(&mut chance, n);
            assert_eq!(parents.len(), n);
            for (step, direct) in parents.iter().enumerate() {
                assert!(direct.iter().all(|&parent| parent < step), "seed {seed}, step {step}: {direct:?}");
                let mut once = direct.clone();
                once.dedup();
                assert_eq!(once.len(), direct.len(), "seed {seed}, step {step}: {direct:?}");
            }
            widest = widest.max(parents.iter().map(Vec::len).max().unwrap());
            roots = roots.max(parents.iter().filter(|direct| direct.is_empty()).count());
            deepest = deepest.max(ancestors(&parents, |_| true).iter().map(Vec::len).max().unwrap());
        }
        assert!(widest > 20 && roots > 10 && deepest > 100, "{widest} {roots} {deepest}");
    }
}
