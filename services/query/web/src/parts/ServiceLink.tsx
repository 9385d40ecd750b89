import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { compact } from '../route/search';

interface Props {
  name: string;
  /** Undefined: all in which the name occurs. */
  namespace?: string | undefined;
  className?: string | undefined;
  children: ReactNode;
}

/** Whether a name can stand in an address: browsers take dots for steps in it. */
export const hasPage = (name: string): boolean => name !== '' && name !== '.' && name !== '..';

/** A link to the page of a service. */
export function ServiceLink({ name, namespace, className, children }: Props) {
  if (!hasPage(name)) return <span className={className}>{children}</span>;
  return (
    <Link to="/services/$name" params={{ name }} search={compact({ namespace })} className={className}>
      {children}
    </Link>
  );
}
