/** An extension that is mounted as an image (contract 04, 4.6). */
export interface ExtensionImage {
  readonly name: string;
  /** Directories below its mount; undefined: `share`. */
  readonly controlPaths?: readonly string[] | undefined;
  /** Directories below its mount; undefined: `lib`. */
  readonly libraryPaths?: readonly string[] | undefined;
}

/**
 * Values of extension_control_path and dynamic_library_path: PostgreSQL's own place, those of the images in their order,
 * then the user's. A path that leads out of its mount is left out.
 *
 * @param base directory with a mount for each extension
 */
export function extensionPathSettings(
  images: readonly ExtensionImage[],
  parameters: Readonly<Record<string, string>>,
  base = '/extensions',
): Record<string, string> {
  if (images.length === 0) return {};
  const join = (own: string, parts: readonly string[], user: string | undefined) =>
    [own, ...parts, ...(user ?? '').split(':')].filter((part) => part !== '').join(':');
  const control = images.flatMap(({ name, controlPaths = ['share'] }) =>
    below(`${base}/${name}`, controlPaths),
  );
  const library = images.flatMap(({ name, libraryPaths = ['lib'] }) =>
    below(`${base}/${name}`, libraryPaths),
  );
  return {
    extension_control_path: join('$system', control, parameters.extension_control_path),
    dynamic_library_path: join('$libdir', library, parameters.dynamic_library_path),
  };
}

function below(mount: string, paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const parts: string[] = [];
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue;
      if (part !== '..') parts.push(part);
      else if (parts.pop() === undefined) return [];
    }
    return [[mount, ...parts].join('/')];
  });
}
