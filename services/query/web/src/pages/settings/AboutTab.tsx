import { getAbout } from '../../api/installation';
import { at } from '../../api/base';
import { Lines, Loading } from '../../parts/Loading';
import { useMe } from '../../parts/me';
import { Outcome } from '../../parts/Outcome';
import { Text } from '../../parts/Text';
import { useSetting } from './asking';
import { Section } from './Section';
import classes from './Settings.module.css';

/** Which build this is, what it is made of, and who looks at it. */
export function AboutTab() {
  const about = useSetting(['about'], getAbout);
  const me = useMe();
  return (
    <>
      <Section title="This installation">
        <Outcome
          of={about}
          loading={
            <Loading gap={18}>
              <Lines count={2} height={14} widest={40} by={10} />
            </Loading>
          }
          nothing={null}
        >
          {({ version }) => (
            <dl className={classes.facts}>
              <dt>Version</dt>
              <dd>
                <code>{version}</code>
              </dd>
              <dt>API</dt>
              <dd>
                <a href={at('/docs')}>its contract, to read and to try</a>
              </dd>
            </dl>
          )}
        </Outcome>
      </Section>
      <Section title="You">
        {me !== undefined && (
          <dl className={classes.facts}>
            <dt>Name</dt>
            <dd>{me.name === '' ? 'nobody is asked who he is here' : <Text of={me.name} />}</dd>
            <dt>Tenant</dt>
            <dd>
              <Text of={me.tenant} />
            </dd>
            <dt>May</dt>
            <dd>{me.scopes.join(', ')}</dd>
          </dl>
        )}
      </Section>
      <Section title="Licences">
        <p className={classes.about}>
          ollyScale is free software under the{' '}
          <a href="https://www.apache.org/licenses/LICENSE-2.0" target="_blank" rel="noopener noreferrer">
            Apache License 2.0
          </a>
          . What it is made of has licences of its own: their texts come with every archive and image, in
          THIRD_PARTY_LICENCES.txt.
        </p>
      </Section>
    </>
  );
}
