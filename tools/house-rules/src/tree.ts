/** One package of the workspace as the rules see it. */
export interface WorkspacePackage {
  /** Folder from the root, with forward slashes: `packages/raft`. */
  readonly directory: string;
  readonly name: string;
  /** What its sources need; the tests of a package may reach anywhere. */
  readonly dependencies: readonly string[];
  /** Folders that its tsconfig refers to, from the root. */
  readonly references: readonly string[];
  readonly hasReadme: boolean;
}

/** One source file that git tracks or would track. */
export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Everything the rules look at. */
export interface Tree {
  readonly packages: readonly WorkspacePackage[];
  readonly files: readonly SourceFile[];
}

/** A place where a rule does not hold. */
export interface Violation {
  readonly path: string;
  /** 1-based; 0 where the whole file is meant. */
  readonly line: number;
  readonly message: string;
}

/** A rule: what it asks for, and where the tree fails it. */
export interface Rule {
  readonly name: string;
  check(tree: Tree): Violation[];
}
