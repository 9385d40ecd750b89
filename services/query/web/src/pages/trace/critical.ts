import { useEffect, useState } from 'react';
import { criticalPath, stepsByNode, type Step } from './analysis';
import type { Tree } from './tree';

/** The steps of the critical path of a trace, by the index of their span; reckoned once the rows are on screen, and only where it is wanted. */
export function useCritical(tree: Tree, wanted: boolean): ReadonlyMap<number, readonly Step[]> | undefined {
  const [reckoned, setReckoned] = useState<{ tree: Tree; steps: ReadonlyMap<number, readonly Step[]> }>();
  useEffect(() => {
    if (!wanted || reckoned?.tree === tree) return;
    const timer = window.setTimeout(() => {
      setReckoned({ tree, steps: stepsByNode(criticalPath(tree.nodes[0])) });
    });
    return () => window.clearTimeout(timer);
  }, [tree, wanted, reckoned]);
  return wanted && reckoned?.tree === tree ? reckoned.steps : undefined;
}
