//! Reads an ensemble of trees from its ONNX node.

use std::collections::HashMap;

use super::compile::MOST_COLUMNS;
use super::forest::{Forest, Leaf, Leaves, Split, Tree};
use super::onnx::Node;

/// The nodes of one tree as ONNX lists them, by their ids.
type Places = HashMap<i64, usize>;
/// Targets and weights by tree and node.
type Weights = HashMap<(i64, i64), Vec<(i64, f32)>>;

struct Builder<'n> {
    modes: &'n [Vec<u8>],
    columns: &'n [i64],
    thresholds: &'n [f32],
    branches: [&'n [i64]; 2],
    weights: Weights,
    inputs: usize,
    targets: usize,
    splits: Vec<Split>,
    /// What each node adds.
    spans: Vec<(u32, u32)>,
    items: Vec<Leaf>,
}

/// From a TreeEnsembleRegressor over a row of `inputs` values. Raises what is not supported, in words.
pub fn forest_of(node: &Node, inputs: usize) -> Result<Forest, String> {
    refuse_unsupported(node)?;
    let targets =
        usize::try_from(node.integer("n_targets", 1)).ok().filter(|targets| (1..=MOST_COLUMNS).contains(targets));
    let targets = targets.ok_or_else(|| format!("n_targets outside 1 to {MOST_COLUMNS}"))?;
    let (trees, ids) = (node.integers("nodes_treeids"), node.integers("nodes_nodeids"));
    let branches = [node.integers("nodes_truenodeids"), node.integers("nodes_falsenodeids")];
    let modes = node.attribute("nodes_modes").map_or(&[][..], |attribute| &attribute.texts);
    let (columns, thresholds) = (node.integers("nodes_featureids"), node.floats("nodes_values"));
    let count = ids.len();
    let lengths = [trees.len(), modes.len(), columns.len(), thresholds.len(), branches[0].len(), branches[1].len()];
    if lengths.iter().any(|length| *length != count) {
        return Err("lists of nodes of unequal lengths".to_owned());
    }
    let mut order: Vec<i64> = Vec::new();
    let mut of_tree: HashMap<i64, Places> = HashMap::new();
    for (place, (tree, id)) in trees.iter().zip(ids).enumerate() {
        let places = of_tree.entry(*tree).or_insert_with(|| {
            order.push(*tree);
            Places::new()
        });
        if places.insert(*id, place).is_some() {
            return Err(format!("node {id} of tree {tree} is there twice"));
        }
    }
    let weights = weights_of(node)?;
    let mut builder = Builder {
        modes,
        columns,
        thresholds,
        branches,
        weights,
        inputs,
        targets,
        splits: Vec::new(),
        spans: Vec::new(),
        items: Vec::new(),
    };
    builder.add_leaf(&[])?;
    let found = order.iter().map(|tree| builder.tree(*tree, &of_tree[tree])).collect::<Result<_, String>>()?;
    let base = match node.floats("base_values") {
        [] => vec![0.0; targets],
        values if values.len() == targets => values.to_vec(),
        _ => return Err("base_values does not hold a value a target".to_owned()),
    };
    Ok(Forest::new(builder.splits, leaves_of(builder.spans, builder.items), found, base))
}

impl Builder<'_> {
    /// The first node that ONNX lists is the root.
    fn tree(&mut self, tree: i64, places: &Places) -> Result<Tree, String> {
        let first = places.iter().min_by_key(|(_, place)| **place).map(|(id, _)| *id).ok_or("a tree without nodes")?;
        let root = self.splits.len() as u32;
        // Level by level: the id of a node, and where its parent wants its place.
        let mut level: Vec<(i64, Option<(u32, usize)>)> = vec![(first, None)];
        let (mut depth, mut added) = (0, 0);
        loop {
            let mut below = Vec::new();
            for (id, parent) in level {
                let place = *places.get(&id).ok_or_else(|| format!("tree {tree} has no node {id}"))?;
                added += 1;
                if added > places.len() {
                    return Err(format!("tree {tree} leads back to a node"));
                }
                let node = self.add_node(tree, id, place)?;
                if let Some((parent, side)) = parent {
                    self.splits[parent as usize].children[side] = node;
                }
                if self.modes[place] != b"LEAF" {
                    below.extend((0..2).map(|side| (self.branches[side][place], Some((node, side)))));
                }
            }
            if below.is_empty() {
                return Ok(Tree { root, depth });
            }
            depth += 1;
            level = below;
        }
    }

    fn add_node(&mut self, tree: i64, id: i64, place: usize) -> Result<u32, String> {
        let threshold = self.thresholds[place];
        let threshold = match self.modes[place].as_slice() {
            b"LEAF" => {
                let leaves = self.weights.remove(&(tree, id)).unwrap_or_default();
                return self.add_leaf(&leaves);
            }
            b"BRANCH_LT" => threshold,
            b"BRANCH_LEQ" if threshold < f32::INFINITY => threshold.next_up(),
            mode => return Err(format!("nodes of mode {}", String::from_utf8_lossy(mode))),
        };
        let column = u32::try_from(self.columns[place]).ok().filter(|column| (*column as usize) < self.inputs);
        let column = column.ok_or_else(|| format!("tree {tree} reads a column that there is not"))?;
        let node = self.splits.len() as u32;
        self.splits.push(Split { threshold, column, children: [node; 2] });
        self.spans.push((0, 0));
        Ok(node)
    }

    fn add_leaf(&mut self, weights: &[(i64, f32)]) -> Result<u32, String> {
        let node = self.splits.len() as u32;
        self.splits.push(Split { threshold: 0.0, column: 0, children: [node; 2] });
        let from = self.items.len() as u32;
        for (target, weight) in weights {
            let target = self.target(*target)?;
            self.items.push(Leaf { weight: *weight, target });
        }
        self.spans.push((from, self.items.len() as u32));
        Ok(node)
    }

    fn target(&self, target: i64) -> Result<u32, String> {
        let target = u32::try_from(target).ok().filter(|target| (*target as usize) < self.targets);
        target.ok_or_else(|| "a leaf of a target that there is not".to_owned())
    }
}

/// Where no node has several items, each node's item.
fn leaves_of(spans: Vec<(u32, u32)>, items: Vec<Leaf>) -> Leaves {
    if spans.iter().any(|(from, until)| until - from > 1) {
        return Leaves::Several { spans, items };
    }
    let item = |(from, until): &(u32, u32)| if from < until { items[*from as usize] } else { Leaf::default() };
    Leaves::One(spans.iter().map(item).collect())
}

fn refuse_unsupported(node: &Node) -> Result<(), String> {
    for (name, usual) in [("aggregate_function", "SUM"), ("post_transform", "NONE")] {
        if node.attribute(name).is_some_and(|attribute| attribute.text != usual.as_bytes()) {
            return Err(format!("{name} other than {usual}"));
        }
    }
    if node.integers("nodes_missing_value_tracks_true").iter().any(|flag| *flag != 0) {
        return Err("nodes_missing_value_tracks_true".to_owned());
    }
    let unknown = node.attributes.iter().find(|attribute| attribute.name.ends_with("_as_tensor"));
    unknown.map_or(Ok(()), |attribute| Err(attribute.name.clone()))
}

fn weights_of(node: &Node) -> Result<Weights, String> {
    let (trees, nodes) = (node.integers("target_treeids"), node.integers("target_nodeids"));
    let (targets, weights) = (node.integers("target_ids"), node.floats("target_weights"));
    if [nodes.len(), targets.len(), weights.len()].iter().any(|length| *length != trees.len()) {
        return Err("lists of targets of unequal lengths".to_owned());
    }
    let mut of_node = Weights::new();
    for (((tree, node), target), weight) in trees.iter().zip(nodes).zip(targets).zip(weights) {
        of_node.entry((*tree, *node)).or_default().push((*target, *weight));
    }
    Ok(of_node)
}
