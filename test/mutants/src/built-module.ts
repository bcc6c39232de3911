/** Where a built module is, given its package and its path below `dist`. */
export function builtModuleUrl(module: string): URL {
  const slash = module.indexOf('/');
  const [name, path] = [module.slice(0, slash), module.slice(slash + 1)];
  return new URL(`../../../packages/${name}/dist/${path}.js`, import.meta.url);
}
