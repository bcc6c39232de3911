import type { CallObserver } from './call-observer.ts';

/** Which methods of an object are observed. */
export interface ObservedMethods<Target> {
  /** Before the method's name: `lock` for `lock.acquire`. */
  readonly part: string;
  /** Methods that resolve once they are done. */
  readonly calls: readonly (keyof Target & string)[];
  /** Methods that return another object of the same kind. */
  readonly views?: readonly (keyof Target & string)[];
}

/** The same object, with calls that are observed. */
export function observeMethods<Target extends object>(
  target: Target,
  methods: ObservedMethods<Target>,
  observer: CallObserver,
): Target {
  const { part, calls, views = [] } = methods;
  const includes = (names: readonly string[], name: string | symbol): name is string =>
    typeof name === 'string' && names.includes(name);
  return new Proxy(target, {
    get(object, name) {
      // Private fields are those of the object itself, so that it is `this`, and not the proxy.
      const member: unknown = Reflect.get(object, name, object);
      if (typeof member !== 'function') return member;
      if (includes(views, name)) {
        return (...args: unknown[]) => observeMethods(Reflect.apply(member, object, args) as Target, methods, observer);
      }
      if (!includes(calls, name)) return member.bind(object);
      return (...args: unknown[]) =>
        observer.observe(`${part}.${name}`, 'internal', async () => await Reflect.apply(member, object, args));
    },
  });
}
