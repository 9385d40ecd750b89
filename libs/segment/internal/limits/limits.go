// Package limits is the bounds that version 1 of the segment format sets, each a line of the table in section 1 of docs/segment-format.md: what lies
// beyond one is damage to a reader, so that a writer must keep to it, and to change one is a change of the format. Bounds that only a writer
// gives itself are with who writes. A test holds the table, and that no bound of the format is declared elsewhere.
package limits

// Of a segment.
const (
	Items       = 4000    // of a segment
	Entries     = 1 << 23 // of any nested or variable list, attributes of all rows of a section, references to entities of all resources, distinct values
	KeyBytes    = 1 << 23 // of all keys of the directory
	Sections    = 256     // of a directory
	KeyEntry    = 6       // bytes of the directory that the entry of a key takes at least
	FrameGrowth = 1024    // bytes that a frame comes to for each that is stored,
	FrameFree   = 1 << 20 // and so many besides
	FrameStored = 1<<30 - 1
	FrameRaw    = 1<<31 - 1
	Tag         = 1<<32 - 1 // of an extension field
)

// Of the head.
const (
	HeadBytes   = 1 << 16 // raw, and as many stored
	HeadNumbers = 64      // that the head has of an integer column
)

// Of passages.
const (
	ChunkBytes   = 1 << 19
	Passages     = 1 << 26 // bytes, and as many of the strings that are copies or nested
	PassagesRead = 1 << 27 // bytes of such strings that a reader puts together
	Words        = 16_448  // of a list
	WordBytes    = 64
)

// Of phrases.
const (
	PhraseModel   = 1 << 20 // bytes
	PhraseSymbols = 1 << 13 // of a model, those of a byte counted
	PhraseClasses = 64      // of a model
	PhraseBytes   = 255     // that a symbol stands for
	PhraseOften   = 1 << 26 // times that a symbol comes after a class
)

// Of lists.
const (
	EncodingDepth = 4 // lists of integers in one another, the outermost counted
	DeltaBlock    = 128
	Decimals      = 15 // of a double that is written as an integer
)

// Of strings.
const (
	TemplateGrowth  = 1024    // bytes of strings for each byte of text that is left, and for each string
	TemplateDigits  = 18      // of a decimal number
	TemplateHex     = 16      // digits of a hexadecimal number
	TemplateSerial  = 12      // characters of a number of letters and digits
	TemplateNumbers = 1 << 23 // of all templates of a list of strings
	LeastCopy       = 64      // bytes
	Copies          = Passages / LeastCopy
	NestedBytes     = 4096    // of a nested string, on average
	NestedNodes     = 4096    // of a list
	NestedShapes    = 1 << 23 // tokens of all shapes of a list
	NestedTokens    = 1 << 24 // tokens of all strings of a list
	NestedDepth     = 64      // lists and maps in the one that a string is
)

// TokenPath is how many bytes a key with the way to what lies within an array or a map may have, for that to have a token.
const TokenPath = 1024
