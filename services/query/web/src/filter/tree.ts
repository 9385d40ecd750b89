// What a query says, as it was written: the parts of its text. The filters that it means are made of these (mean.ts), and text
// is made of them again (print.ts), so that what somebody wrote as code=200 does not come back as four conditions.

import type { FilterOperator, Relation } from '../api/model';

/** Where in the text: from a character up to before another. */
export interface Place {
  from: number;
  to: number;
}

/** A value as it was written: as it is, in quotes, or with its type: int(200). */
export type Operand = Place &
  ({ is: 'bare' | 'quoted'; text: string } | { is: 'exact'; type: ExactType; text: string });

export const exactTypes = ['number', 'int', 'double', 'bool', 'text', 'bytes', 'nothing'] as const;
export type ExactType = (typeof exactTypes)[number];

export interface ConditionTree extends Place {
  is: 'condition';
  key: string;
  operator: FilterOperator;
  /** One; of an operator that takes a list, any number. Of a flag, true or false. */
  operands: readonly Operand[];
}

export interface GroupTree extends Place {
  is: 'and' | 'or';
  of: readonly Tree[];
}

export type Tree =
  | ConditionTree
  | GroupTree
  | (Place & { is: 'not'; of: Tree })
  | (Place & { is: 'related'; relation: Relation; of: Tree })
  /** Looked for in bodies; in quotes as it is, else whatever the case of its letters. */
  | (Place & { is: 'words'; text: string; quoted: boolean });

/** What stands at a place of the text, for its colour. */
export interface Mark extends Place {
  as: 'key' | 'operator' | 'value' | 'join' | 'word';
}

/** What may come at the place where reading ended. */
export type Expected =
  | { what: 'condition' }
  | { what: 'operator'; key: string }
  | { what: 'value'; key: string; operator: FilterOperator; listed: boolean }
  | { what: 'join' };

export interface Problem extends Place {
  message: string;
  expected: Expected | undefined;
}

/** Thrown by what reads, and caught where reading begins. */
export class Unreadable extends Error {
  constructor(
    message: string,
    readonly from: number,
    readonly to: number,
    readonly expected?: Expected,
  ) {
    super(message);
  }

  get problem(): Problem {
    return { message: this.message, from: this.from, to: this.to, expected: this.expected };
  }
}

/** What has no place: it was made, not read. */
export const nowhere: Place = { from: 0, to: 0 };
