// Package edges is who calls whom, kept beside the segments of spans: sums of calls by caller, callee and minute, and what is left of calls whose other
// side was not at hand.
//
// What a span does is told in meaning.go. A call is told by two spans, and each may come without the other:
//
//	callee   a span of a server with a parent: parent's service ─> its service, counted when and as long as the callee ran. What takes a message without
//	         naming its topic is one of the spans that it has links to, or else of its parent
//	caller   a span of a client that names what it calls (a database, a host): its service ─> that, unless a callee is its child
//	         one that gives a message to a topic: its service ─> the topic. It stays, and callees of it are calls of the topic
//	         one that gives a message and names no topic: its service ─> the topic that those name who took it, once for each
//	taker    one that takes from a topic: the topic ─> its service. What is left of it, a tie, tells those that it has links to, or else its parent, where
//	         their message went, if they do not know
//
// Where both sides are in the rows that are added together they become a sum (Calls.match). What is left is kept as a half, and matched with the halves
// of others when these are folded and when a question adds them up: callees whose parent is not there, and callers of kind client or producer that
// nobody answered, some 10 bytes each. Such a caller is counted as a call of what it names; who finds its answer takes that back. A fold to an
// hour lets go of all callers but those at the edges of the hour, and of callees but for some (mostHalves), for parents that end late: the others
// become calls of the node Unknown.
//
// What is never matched, and told as a call of Unknown:
//
//   - a callee whose parent was not stored;
//   - one that was merged apart from its parent, where the parent is of another kind than client or producer, or has another child that was merged
//     with it;
//   - one that came after the hour of its parent was folded, or whose parent starts in another hour and ends more than borderTime before this one.
package edges

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
)

// NodeKind is what a node is. Its number is stored.
type NodeKind uint8

// What nodes are.
const (
	Service   NodeKind = 0
	Database  NodeKind = 1
	Messaging NodeKind = 2
	External  NodeKind = 3 // a host, or what else has a name and sends no spans
	Unknown   NodeKind = 4 // whoever called, and is in no span: only ever a caller
	Browser   NodeKind = 5 // a service that runs in browsers: nobody calls it
	nodeKinds          = 6
)

// sends tells of a kind whether its nodes are services, of which spans are known.
func (k NodeKind) sends() bool { return k == Service || k == Browser }

// Node is a node by what tells it from others.
type Node struct {
	Kind      NodeKind
	Namespace string // of a service
	System    string // of a database or messaging
	Name      string // of a database, a topic, a host or a service; of a database or messaging it may be empty
	Address   string // of a database, or of messaging without a name: the host
	Port      string // of a database: where it is not the system's standard one
}

// ServiceNode is the node of a service. Its name is cut where it is too long.
func ServiceNode(namespace, name string) Node {
	return Node{Kind: Service, Namespace: rollup.Name(namespace), Name: rollup.Name(name)}
}

// strings are all that a node says, in the order in which they are written.
func (n *Node) strings() [5]*string {
	return [...]*string{&n.Namespace, &n.System, &n.Name, &n.Address, &n.Port}
}

// Compare sorts nodes.
func (n Node) Compare(o Node) int {
	return cmp.Or(cmp.Compare(n.Kind, o.Kind), cmp.Compare(n.Name, o.Name), cmp.Compare(n.Namespace, o.Namespace), cmp.Compare(n.System, o.System),
		cmp.Compare(n.Address, o.Address), cmp.Compare(n.Port, o.Port))
}

// Edge is the calls from one node to another.
type Edge struct {
	From, To Node
	red.Sum
}

const (
	// mostNodes bounds the nodes that are no services: a sender may put anything into the name of a host, or of a system. The others of their kind are
	// together one node, OtherName.
	mostNodes = 10_000
	// mostHalves bounds the halves of each kind that are kept of a folded hour or day.
	mostHalves = 2048
	// mostOpen bounds those of an hour that has so many parts that it is folded before it has ended.
	mostOpen = 1 << 16
	// borderTime is how close to the beginning or end of its hour a span must begin or end to be matched with spans of another hour after the fold.
	borderTime = 5 * time.Second
)

// OtherName names the node that stands for those beyond the bound.
const OtherName = "(others)"

// half is one side of a call.
type half struct {
	key    uint64 // callees: of the parent; callers: their own
	node   int32  // -1: matched
	target int32  // callers: what they name, or was told of them; callees: whom they name as their caller; -1: nothing
	minute int32  // in which the span begins, since 1970
	bucket uint16 // of its duration
	failed bool
	border bool // at the beginning or the end of its hour
	does   act  // of callers
}

// act is what a caller does. Its number is stored.
type act uint8

const (
	calls act = 0 // it calls its target, unless a callee answers
	sends act = 1 // it gave a message to its target, which is counted for good: whoever took it has it from there
	hands act = 2 // it gave a message and named no destination: its target is the messaging system, which is counted until somebody is found who took it
	told  act = 3 // it did, and one who took it named the target, which is counted for good. Of other targets of the same span there are other halves
	acts      = 4
)

// caller is a span that may be the parent of a callee.
type caller struct {
	key  uint64
	node int32
	via  int32 // to what it gave a message; -1: it calls by itself
}

// spanKey is a span of a trace in 56 bits: enough to tell a million halves apart from a million others once in 70,000 times.
func spanKey(trace, span uint64) uint64 {
	h, l := bits.Mul64(trace^0x9e3779b97f4a7c15, bits.RotateLeft64(span, 29)^0xd1b54a32d192ed03)
	h ^= l ^ bits.RotateLeft64(trace, 17) ^ span
	h *= 0xff51afd7ed558ccd
	return (h ^ h>>29) >> 8
}

// cellKey is the calls of one minute.
type cellKey struct{ from, to, minute int32 }

// Calls is what is known of the calls of some spans: sums, and halves. The zero value is of no use: New makes one. It is not safe for concurrent use.
type Calls struct {
	nodes   []Node
	virtual int // nodes that are no services
	index   map[Node]int32
	cells   map[cellKey]*red.Cell
	callees []half
	callers []half
	ties    []half // takers that name a destination, which is their node: they are counted, and tell the span of their key
	// What was added of spans, until it is matched: by table, because they are many, and not copied to grow.
	fresh [][]half  // callers of kind client or producer, which are not counted yet
	plain []callers // all others
}

// callers is a list that never changes, and so may be another's, with what its nodes are here.
type callers struct {
	list []caller
	to   []int32 // nil: what they are in the list
}

func (c *callers) at(i int) caller {
	out := c.list[i]
	if c.to != nil {
		out.node = c.to[out.node]
		if out.via >= 0 {
			out.via = c.to[out.via]
		}
	}
	return out
}

// New is no calls.
func New() *Calls {
	return &Calls{index: map[Node]int32{}, cells: map[cellKey]*red.Cell{}}
}

func (c *Calls) node(n Node) int32 {
	for _, s := range n.strings() {
		*s = rollup.Name(*s)
	}
	i, ok := c.index[n]
	if ok {
		return i
	}
	if others := (Node{Kind: n.Kind, Name: OtherName}); !n.Kind.sends() && n.Kind != Unknown && c.virtual >= mostNodes && n != others {
		return c.node(others)
	}
	if !n.Kind.sends() {
		c.virtual++
	}
	i = int32(len(c.nodes)) //nolint:gosec // far fewer
	for _, s := range n.strings() {
		*s = strings.Clone(*s)
	}
	c.index[n] = i
	c.nodes = append(c.nodes, n)
	return i
}

// add adds what one cell says of the calls of a minute. The list of its buckets is not to be used afterwards.
func (c *Calls) add(k cellKey, cell *red.Cell) {
	sum := c.cells[k]
	if sum == nil {
		c.cells[k] = &red.Cell{Errors: cell.Errors, Buckets: cell.Buckets}
		return
	}
	sum.Errors += cell.Errors
	sum.Buckets = red.Merged(sum.Buckets, cell.Buckets)
}

// count counts what a half tells of n times, as a call.
func (c *Calls) count(from, to int32, h *half, n int64) {
	k := cellKey{from, to, h.minute}
	sum := c.cells[k]
	if sum == nil {
		sum = &red.Cell{}
		c.cells[k] = sum
	}
	if h.failed {
		sum.Errors += n
	}
	i, found := slices.BinarySearchFunc(sum.Buckets, int32(h.bucket), func(b red.Bucket, n int32) int { return cmp.Compare(b.Number, n) })
	if !found {
		sum.Buckets = slices.Insert(sum.Buckets, i, red.Bucket{Number: int32(h.bucket)})
	}
	sum.Buckets[i].Count += n
}

// Merge adds what another knows, which stays as it is.
func (c *Calls) Merge(o *Calls) {
	to := make([]int32, len(o.nodes))
	for i, n := range o.nodes {
		to[i] = c.node(n)
	}
	renumbered := func(into, from []half) []half {
		at := len(into)
		into = append(into, from...)
		for i := range into[at:] {
			h := &into[at+i]
			h.node = to[h.node]
			if h.target >= 0 {
				h.target = to[h.target]
			}
		}
		return into
	}
	c.callees = renumbered(c.callees, o.callees)
	c.callers = renumbered(c.callers, o.callers)
	c.ties = renumbered(c.ties, o.ties)
	for _, list := range o.fresh {
		c.fresh = append(c.fresh, renumbered(make([]half, 0, len(list)), list))
	}
	for _, from := range o.plain {
		into := to
		if from.to != nil {
			into = make([]int32, len(from.to))
			for i, n := range from.to {
				into[i] = to[n]
			}
		}
		c.plain = append(c.plain, callers{from.list, into})
	}
	for k, sum := range o.cells {
		c.add(cellKey{to[k.from], to[k.to], k.minute}, &red.Cell{Errors: sum.Errors, Buckets: slices.Clone(sum.Buckets)})
	}
}

// Settle makes sums of the calls of which both sides are there, as match does, for one that others are to be added to or that is to be added to others, as
// often as one likes: all callers stay, since another callee of theirs may come, so that no other sum comes out than if all had been added at once, but where
// a span was sent twice.
func (c *Calls) Settle() {
	all := 0
	for i := range c.plain {
		all += len(c.plain[i].list)
	}
	for _, list := range c.fresh {
		all += len(list)
	}
	list := make([]caller, 0, all)
	for i := range c.plain {
		of := &c.plain[i]
		for k := range of.list {
			list = append(list, of.at(k))
		}
	}
	_ = c.match(context.Background(), true, func(one caller) { list = append(list, one) }) // ends with its context only
	c.plain = []callers{{list: slices.Clip(list)}}
	c.callees, c.callers, c.ties = slices.Clip(c.callees), slices.Clip(c.callers), slices.Clip(c.ties)
}

// Memory is about how many bytes of memory it takes.
func (c *Calls) Memory() int64 {
	const node, cell, bucket, side, one = 280, 150, 16, 40, 16
	n := node*len(c.nodes) + cell*len(c.cells) + side*(len(c.callees)+len(c.callers)+len(c.ties))
	for i := range c.nodes {
		for _, s := range c.nodes[i].strings() {
			n += len(*s)
		}
	}
	for _, sum := range c.cells {
		n += bucket * cap(sum.Buckets)
	}
	for _, list := range c.fresh {
		n += side * len(list)
	}
	for i := range c.plain {
		n += one * len(c.plain[i].list)
	}
	return int64(n)
}

// matching is what match looks for: halves by the key of the span that they wait for.
type matching struct {
	*Calls
	may          sieve // most callers are nobody's whom halves name, and cost a bit instead of a look into maps
	callee, tied waiting
	told         map[toldKey]bool
	more         []half // told of spans of which something else was told
}

// toldKey is a span and where its message went.
type toldKey struct {
	key    uint64
	target int32
}

// waiting are the halves of a list by their keys, linked by next; -1 ends them.
type waiting struct {
	first map[uint64]int32
	next  []int32
}

func newWaiting(list []half, may *sieve) waiting {
	w := waiting{make(map[uint64]int32, len(list)), make([]int32, len(list))}
	for i := range list {
		key := list[i].key
		may.add(key)
		before, ok := w.first[key]
		if !ok {
			before = -1
		}
		w.next[i] = before
		w.first[key] = int32(i)
	}
	return w
}

// take is where the halves of a key begin, which nobody finds again, and whether there are or were any: a span sent twice is one.
func (w *waiting) take(key uint64) (first int32, found bool) {
	if first, found = w.first[key]; found {
		w.first[key] = -1
	}
	return first, found
}

// answer counts the callees of a caller, and tells whether it has any.
func (m *matching) answer(parent caller) bool {
	first, found := m.callee.take(parent.key)
	for at := first; found && at >= 0; at = m.callee.next[at] {
		callee := &m.callees[at]
		switch {
		case parent.via >= 0:
			m.count(parent.via, callee.node, callee, 1)
		case callee.node != parent.node:
			m.count(parent.node, callee.node, callee, 1)
		}
		callee.node = -1
	}
	return found
}

// untie lets go of ties to a span that needs none.
func (m *matching) untie(key uint64) {
	first, found := m.tied.take(key)
	for at := first; found && at >= 0; at = m.tied.next[at] {
		m.ties[at].node = -1
	}
}

// tell counts what a caller gave to where those say who took it, each once.
func (m *matching) tell(parent *half) (found bool) {
	first, found := m.tied.take(parent.key)
	for at := first; found && at >= 0; at = m.tied.next[at] {
		to := toldKey{parent.key, m.ties[at].node}
		m.ties[at].node = -1
		if m.told[to] {
			continue
		}
		m.told[to] = true
		m.count(parent.node, to.target, parent, 1)
		one := *parent
		one.does, one.target = told, to.target
		m.more = append(m.more, one)
	}
	return found
}

// find looks for who answers a caller, and tells whether it is to be kept; was is a caller that is not. counted says that what it names was counted where it
// was kept.
func (m *matching) find(parent *half, counted bool) (keep bool, was *caller) {
	found, more := false, len(m.more)
	one := caller{parent.key, parent.node, -1}
	if m.may.has(parent.key) {
		if parent.does == sends {
			one.via = parent.target
		}
		found = m.answer(one)
		if parent.does == hands || parent.does == told {
			found = m.tell(parent) || found
		} else {
			m.untie(parent.key)
		}
	}
	if (parent.does == calls || parent.does == hands) && parent.target >= 0 && found == counted { // what it names counts as long as nobody answers
		n := int64(1)
		if counted {
			n = -1
		}
		m.count(parent.node, parent.target, parent, n)
	}
	switch {
	case found && parent.does == calls:
		return false, &one
	case found && parent.does == hands: // it stays, for who takes the same message may come later: as what was told of it, or as one that names nothing
		parent.target = -1
		return len(m.more) == more, nil
	}
	return true, nil
}

// match makes sums of the calls of which both sides are there. What is left are callees without a parent, ties, and, where they are asked for, callers of
// kind client or producer that nobody answered; these are counted as calls of what they name. Those that were answered are given to answered, unless that is
// nil. It ends with ctx.
func (c *Calls) match(ctx context.Context, unanswered bool, answered func(caller)) error {
	m := &matching{Calls: c, may: newSieve(len(c.callees) + len(c.ties)), told: map[toldKey]bool{}}
	m.callee, m.tied = newWaiting(c.callees, &m.may), newWaiting(c.ties, &m.may)
	for i := range c.plain {
		if err := ctx.Err(); err != nil {
			return err
		}
		of := &c.plain[i]
		for k := range of.list {
			if m.may.has(of.list[k].key) {
				m.answer(of.at(k))
				m.untie(of.list[k].key)
			}
		}
	}
	for i := range c.callers {
		if h := &c.callers[i]; h.does == told {
			m.told[toldKey{h.key, h.target}] = true
		}
	}
	kept := c.callers[:0]
	look := func(list []half, counted bool) {
		for i := range list {
			keep, was := m.find(&list[i], counted)
			if keep && unanswered {
				kept = append(kept, list[i])
			}
			if was != nil && answered != nil {
				answered(*was)
			}
		}
	}
	look(c.callers, true)
	for _, list := range c.fresh {
		if err := ctx.Err(); err != nil {
			return err
		}
		look(list, false)
	}
	if unanswered {
		kept = append(kept, m.more...)
	}
	c.callers, c.fresh, c.plain = kept, nil, nil
	matched := func(h half) bool { return h.node < 0 }
	c.callees, c.ties = slices.DeleteFunc(c.callees, matched), slices.DeleteFunc(c.ties, matched)
	return nil
}

// sieve tells of most keys that were not added that they were not, by their lowest bits.
type sieve struct {
	bits []uint64
	mask uint64
}

func newSieve(keys int) sieve {
	n := uint64(1) << bits.Len64(uint64(8*keys)|63) //nolint:gosec // not negative
	return sieve{make([]uint64, n/64), n - 1}
}

func (s *sieve) add(key uint64) { s.bits[key&s.mask>>6] |= 1 << (key & 63) }

func (s *sieve) has(key uint64) bool { return s.bits[key&s.mask>>6]&(1<<(key&63)) != 0 }

// end lets go of the callers and ties that are not at a border of their hour, unless it is open, and of all halves that are too many: such callees are counted
// as calls of Unknown.
func (c *Calls) end(open bool) {
	most := mostHalves
	if open {
		most = mostOpen
	} else {
		inside := func(h half) bool { return !h.border }
		c.callers, c.ties = slices.DeleteFunc(c.callers, inside), slices.DeleteFunc(c.ties, inside)
	}
	c.callers, c.ties = c.callers[:first(c.callers, most)], c.ties[:first(c.ties, most)]
	kept := first(c.callees, most)
	if kept == len(c.callees) {
		return
	}
	for i := kept; i < len(c.callees); i++ {
		h := &c.callees[i]
		c.count(c.callerOf(h), h.node, h, 1)
	}
	c.callees = c.callees[:kept]
}

// callerOf is whom a callee without a parent is counted as called by: whom it names, or nobody knows who.
func (c *Calls) callerOf(h *half) int32 {
	if h.target >= 0 {
		return h.target
	}
	return c.node(Node{Kind: Unknown})
}

// first is how many of a list are to be kept, which it brings to the front: those at a border, then the newest.
func first(list []half, most int) int {
	if len(list) <= most {
		return len(list)
	}
	slices.SortFunc(list, func(a, b half) int {
		switch {
		case a.border != b.border && a.border:
			return -1
		case a.border != b.border:
			return 1
		}
		return cmp.Or(cmp.Compare(b.minute, a.minute), cmp.Compare(a.key, b.key))
	})
	return most
}

// Edges are the calls that began in a range of whole minutes, Unix ns, in order; those from Unknown are of callers that were not found. Nothing can be
// added afterwards. It ends with ctx.
func (c *Calls) Edges(ctx context.Context, from, to int64) ([]Edge, error) {
	if err := c.match(ctx, false, nil); err != nil {
		return nil, err
	}
	first, end := minuteOf(from), minuteOf(to)
	at := map[[2]int32]int{}
	var out []Edge
	sum := func(from, to int32) *red.Sum {
		pair := [2]int32{from, to}
		i, ok := at[pair]
		if !ok {
			i = len(out)
			at[pair] = i
			out = append(out, Edge{From: c.nodes[from], To: c.nodes[to]})
		}
		return &out[i].Sum
	}
	for k, cell := range c.cells {
		if k.minute >= first && k.minute < end {
			sum(k.from, k.to).AddCell(cell)
		}
	}
	for i := range c.callees {
		h := &c.callees[i]
		if h.minute < first || h.minute >= end {
			continue
		}
		one := red.Cell{Buckets: []red.Bucket{{Number: int32(h.bucket), Count: 1}}}
		if h.failed {
			one.Errors = 1
		}
		sum(c.callerOf(h), h.node).AddCell(&one)
	}
	out = slices.DeleteFunc(out, func(e Edge) bool { return e.Requests == 0 })
	slices.SortFunc(out, func(a, b Edge) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	return out, nil
}

// minuteOf is the minute of a time, since 1970.
func minuteOf(t int64) int32 {
	m := t / int64(time.Minute)
	if t%int64(time.Minute) < 0 {
		m--
	}
	return int32(m) //nolint:gosec // all times fit
}
