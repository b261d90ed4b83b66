# Sourced by the scripts of package.json: ends them in one line where only an older Node than they need is there.
[ -x node_modules/node/bin/node ] || case $(node --version) in
  v[0-9].* | v1[0-9].* | v2[0-3].*)
    echo "Cannot start: Node 24 or later is needed, not $(node --version). It comes with the packages, but npm has" \
      "not run their install scripts; run: npm rebuild node --ignore-scripts=false" >&2
    exit 1
    ;;
esac
