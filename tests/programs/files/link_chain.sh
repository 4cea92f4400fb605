# A chain of relative symbolic links that climbs out of the workspace.
. "${0%/*}/../escape.sh"
mkdir -p a/b
ln -s ../.. a/b/top
ln -s a/b/top/.. above
ln -s above/outside out
ln -s out last
plants last/planted && escaped "a chain of links"
rm last out above a/b/top
judge
