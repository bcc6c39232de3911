import { docCommentsRule } from './doc-comments.ts';
import { hygieneRule } from './hygiene.ts';
import { indexFilesRule } from './index-files.ts';
import { layersRule } from './layers.ts';
import { namesRule } from './names.ts';
import { seamsRule } from './seams.ts';
import { sizesRule } from './sizes.ts';
import type { Rule } from './tree.ts';

/** Every rule of the house, in the order they are reported. */
export const rules: readonly Rule[] = [
  layersRule,
  namesRule,
  sizesRule,
  indexFilesRule,
  docCommentsRule,
  seamsRule,
  hygieneRule,
];
