import { getAbout } from '../../api/installation';
import { Lines, Loading } from '../../parts/Loading';
import { useMe } from '../../parts/me';
import { Outcome } from '../../parts/Outcome';
import { WaysToSend } from '../../parts/WaysToSend';
import { useSetting } from './asking';
import { Section } from './Section';

/** Where this installation takes telemetry, and how to send it there. */
export function SendTab() {
  const about = useSetting(['about'], getAbout);
  const withKey = useMe()?.loggedIn === true;
  return (
    <Section title="Send data" about="Point any OpenTelemetry SDK or Collector at these addresses.">
      <Outcome
        of={about}
        loading={
          <Loading gap={18}>
            <Lines count={6} height={14} widest={60} by={5} />
          </Loading>
        }
        nothing={null}
      >
        {({ otlp }) => <WaysToSend otlp={otlp} withKey={withKey} />}
      </Outcome>
    </Section>
  );
}
