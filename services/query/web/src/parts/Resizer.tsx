import { useRef, type KeyboardEvent, type PointerEvent } from 'react';
import classes from './Resizer.module.css';

interface Props {
  label: string;
  /** The fraction of the parent's width that lies to the left of this bar. */
  value: number;
  min: number;
  max: number;
  onChange: (value: number) => void;
  className?: string;
}

/** A bar between two columns that can be dragged, or moved with the arrow keys. */
export function Resizer({ label, value, min, max, onChange, className = '' }: Props) {
  const dragging = useRef(false);
  const clamp = (v: number) => Math.min(Math.max(v, min), max);
  const move = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (dragging.current && box !== undefined) onChange(clamp((event.clientX - box.left) / box.width));
  };
  const key = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowLeft' ? -0.02 : event.key === 'ArrowRight' ? 0.02 : 0;
    if (by === 0) return;
    event.preventDefault();
    onChange(clamp(value + by));
  };
  return (
    <div
      className={`${classes.resizer} ${className}`}
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={Math.round(value * 100)}
      aria-valuemin={min * 100}
      aria-valuemax={max * 100}
      tabIndex={0}
      onKeyDown={key}
      onPointerDown={(event) => {
        dragging.current = true;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={move}
      onPointerUp={() => {
        dragging.current = false;
      }}
    />
  );
}
