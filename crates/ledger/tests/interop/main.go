// Checks an exported Placet log with Go's own transparency log, which none of us wrote:
// the signed checkpoint, every entry from its bundles, every tile, and record proofs through tiles.
//
// usage: main <directory> <verifier key>
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

// files reads tiles by their C2SP names.
type files string

func (dir files) Height() int { return 8 }

func (dir files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(dir), path))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (dir files) SaveTiles([]tlog.Tile, [][]byte) {}

// entries reads the bundles of n entries.
func entries(dir string, n int64) ([][]byte, error) {
	var out [][]byte
	for first := int64(0); first < n; first += 256 {
		width := n - first
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: int(width)}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("bundle %s is cut short", path)
			}
			length := int(binary.BigEndian.Uint16(data))
			out = append(out, data[2:2+length])
			data = data[2+length:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("bundle %s is too long", path)
		}
	}
	return out, nil
}

func main() {
	dir, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	must(err, "verifier key")
	message, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(err, "checkpoint")
	signed, err := note.Open(message, note.VerifierList(verifier))
	must(err, "signature")
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		must(fmt.Errorf("%q", signed.Text), "checkpoint")
	}
	var size int64
	_, err = fmt.Sscanf(lines[1], "%d", &size)
	must(err, "size")
	root, err := tlog.ParseHash(lines[2])
	must(err, "root")

	bodies, err := entries(dir, size)
	must(err, "entries")
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, index := range indexes {
			out = append(out, stored[index])
		}
		return out, nil
	})
	for i, body := range bodies {
		hashes, err := tlog.StoredHashes(int64(i), body, reader)
		must(err, "hashing")
		stored = append(stored, hashes...)
	}
	rebuilt, err := tlog.TreeHash(size, reader)
	must(err, "tree")
	if rebuilt != root {
		must(fmt.Errorf("%v rebuilt, %v signed", rebuilt, root), "root")
	}

	tiles := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, files(dir))
	for i, body := range bodies {
		proof, err := tlog.ProveRecord(size, int64(i), tiles)
		must(err, "proving")
		must(tlog.CheckRecord(proof, size, root, int64(i), tlog.RecordHash(body)), "record")
	}
	for old := int64(1); old < size; old += 37 {
		before, err := tlog.TreeHash(old, reader)
		must(err, "older tree")
		proof, err := tlog.ProveTree(size, old, tiles)
		must(err, "proving growth")
		must(tlog.CheckTree(proof, size, root, old, before), "growth")
	}
	fmt.Printf("%d entries hold\n", size)
}
