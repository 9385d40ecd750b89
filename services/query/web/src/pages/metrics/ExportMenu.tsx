import { Button, Menu } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import type { Unit } from '../../parts/unit';
import classes from './Explorer.module.css';
import { fileName, keep, toCSV, toJSON, type Shown } from './download';
import { toPNG } from './picture';

/** Keeps what is shown as a file. */
export function ExportMenu({ shown, unit, anywhere }: { shown: Shown; unit: Unit; anywhere: boolean }) {
  const [problem, setProblem] = useState<string>();
  const { name } = shown.metric;
  const text = (ending: string, type: string, content: string) =>
    keep(fileName(name, ending), new Blob([content], { type: `${type};charset=utf-8` }));
  const picture = () => {
    setProblem(undefined);
    toPNG({ shown, unit, anywhere }).then(
      (blob) => keep(fileName(name, 'png'), blob),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <>
      <Menu position="bottom-end" shadow="md">
        <Menu.Target>
          <Button size="xs" variant="default" leftSection={<IconDownload size={14} />}>
            Export
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => text('csv', 'text/csv', toCSV(shown))}>As a table (CSV)</Menu.Item>
          <Menu.Item onClick={() => text('json', 'application/json', toJSON(shown))}>As JSON</Menu.Item>
          <Menu.Item onClick={picture}>As a picture (PNG)</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {problem !== undefined && (
        <span role="alert" className={classes.problem}>
          {problem}
        </span>
      )}
    </>
  );
}
