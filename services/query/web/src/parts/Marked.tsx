import { markedPieces } from './marks';
import { room, shownText } from './shown';
import classes from './Marked.module.css';
import { Text } from './Text';

interface Props {
  of: string;
  /** What is marked in it. */
  marks: RegExp | undefined;
  /** Most characters. */
  most?: number;
}

/** A text of the data, in which what the query asks for is seen. */
export function Marked({ of, marks, most = room.line }: Props) {
  if (marks === undefined || of.trim() === '') return <Text of={of} most={most} />;
  return <bdi>{pieces(shownText(of, most), marks)}</bdi>;
}

const pieces = (text: string, marks: RegExp) =>
  markedPieces(text, marks).map((piece, i) =>
    piece.marked ? (
      <mark key={i} className={classes.mark}>
        {piece.text}
      </mark>
    ) : (
      piece.text
    ),
  );
