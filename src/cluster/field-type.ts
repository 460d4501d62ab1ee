/** What a field may hold. `notApplicable` fields are known and passed over, with a warning. */
export type FieldType =
  | { readonly kind: 'text'; readonly pattern?: RegExp }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'texts' }
  | {
      readonly kind: 'map';
      readonly values: FieldType;
      /** Why a key may not be there. */
      readonly refuse?: (key: string) => string | undefined;
    }
  | {
      readonly kind: 'object';
      readonly fields: Readonly<Record<string, FieldType>>;
      readonly required?: readonly string[];
      /** Other fields belong to somebody else and are passed over in silence. */
      readonly isOpen?: true;
    }
  | { readonly kind: 'any' }
  | { readonly kind: 'notApplicable'; readonly why?: string };
