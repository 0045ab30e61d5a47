// Opens a C2SP log with the Go authors' sumdb/note and sumdb/tlog: code that knows nothing of the exchange.
//
//	opens VKEY LEAVES OLD-ROOT OLD-SIZE
//
// LEAVES is a file of leaf hashes in hex, one a line, from index 0. What it wants to read of the log it asks for with a line
// "get PATH" on standard output, and is given in base64 on a line of standard input, empty where there is none: without
// net/http it is built in half of the time. It reads the checkpoint and the tiles, and checks the signature, every leaf given, the proof of each, and that the
// tree began with OLD-ROOT at OLD-SIZE.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

var answers = bufio.NewReader(os.Stdin)

type tiles struct{}

func (t tiles) Height() int { return height }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, one := range wanted {
		// The paths of tlog-tiles leave the height out.
		data, err := get("tile/" + strings.TrimPrefix(one.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func get(path string) ([]byte, error) {
	fmt.Println("get", path)
	answer, err := answers.ReadString('\n')
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(answer))
	if err == nil && len(data) == 0 {
		err = fmt.Errorf("%s is not there", path)
	}
	return data, err
}

func hash(text string) (tlog.Hash, error) {
	var made tlog.Hash
	data, err := hex.DecodeString(text)
	if err == nil && len(data) != tlog.HashSize {
		err = fmt.Errorf("%q is no hash", text)
	}
	copy(made[:], data)
	return made, err
}

func opened(vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	data, err := get("checkpoint")
	if err != nil {
		return tlog.Tree{}, err
	}
	signed, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("the root is no hash")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

func run(vkey, oldRoot, oldSize string, leaves io.Reader) (string, error) {
	tree, err := opened(vkey)
	if err != nil {
		return "", err
	}
	reader := tlog.TileHashReader(tree, tiles{})
	index := int64(0)
	for lines := bufio.NewScanner(leaves); lines.Scan(); index++ {
		leaf, err := hash(lines.Text())
		if err != nil {
			return "", err
		}
		there, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return "", err
		}
		if there[0] != leaf {
			return "", fmt.Errorf("leaf %d is another one", index)
		}
		// Every leaf is in the tiles; a proof is made of some.
		if index%101 != 0 && index != tree.N-1 {
			continue
		}
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return "", err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return "", err
		}
	}
	if index != tree.N {
		return "", fmt.Errorf("%d leaves were given, the log has %d", index, tree.N)
	}
	old, err := strconv.ParseInt(oldSize, 10, 64)
	if err != nil {
		return "", err
	}
	before, err := hash(oldRoot)
	if err != nil {
		return "", err
	}
	proof, err := tlog.ProveTree(tree.N, old, reader)
	if err != nil {
		return "", err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old, before); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d leaves", tree.N), nil
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "opens VKEY LEAVES OLD-ROOT OLD-SIZE")
		os.Exit(2)
	}
	leaves, err := os.Open(os.Args[2])
	said := ""
	if err == nil {
		said, err = run(os.Args[1], os.Args[3], os.Args[4], leaves)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}
