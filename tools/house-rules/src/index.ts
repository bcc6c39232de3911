export { readCheckout } from './checkout.ts';
export { allowedImports } from './layers.ts';
export { rules } from './rules.ts';
export type { Rule, SourceFile, Tree, Violation, WorkspacePackage } from './tree.ts';
