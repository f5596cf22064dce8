#!/usr/bin/env python3
"""The ready-made scripts of etc/notify.d, each against a stand-in for its service: an HTTP server, a
sendmail and command lines of clouds that note what they get."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

SCRIPTS = sys.argv.pop(1)
REASON = 'the "leader" \\ resigned <now> & äöü'
EVENT = {
    'TANDEM_PAIR': 'redis', 'TANDEM_STATE': 'MASTER', 'TANDEM_PREVIOUS_STATE': 'BACKUP',
    'TANDEM_REASON': REASON, 'TANDEM_INITIAL': '0', 'TANDEM_RELOAD': '0', 'TANDEM_EPOCH': '7',
    'TANDEM_VIPS': '192.168.1.120/24 fd00::120/64', 'TANDEM_PEER': '192.168.1.113:6379',
    'TANDEM_INTERFACE': 'lo', 'TANDEM_PRIORITY': '250',
}
NODE = socket.gethostname()
TEXT = f'redis: MASTER on {NODE}: {REASON} (VIP 192.168.1.120/24 fd00::120/64)'


class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.seen.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_):
        pass


class Webhook(unittest.TestCase):
    def setUp(self):
        self.service = http.server.HTTPServer(('127.0.0.1', 0), Service)
        self.service.seen, self.service.status, self.service.answer = [], 200, b'ok'
        threading.Thread(target=self.service.serve_forever, args=(0.01,), daemon=True).start()
        self.folder = tempfile.TemporaryDirectory()
        self.file = os.path.join(self.folder.name, 'url')
        self.base = f'http://127.0.0.1:{self.service.server_port}/hook?token=s3cret'

    def tearDown(self):
        self.service.shutdown()
        self.service.server_close()
        self.folder.cleanup()

    def run_script(self, form, answer=b'ok', secret=None, mode=0o600, env=None, words=(), status=200):
        self.service.answer, self.service.status = answer, status
        with open(self.file, 'w') as out:
            out.write(self.base + '\n' + (secret + '\n' if secret else ''))
        os.chmod(self.file, mode)
        return subprocess.run([SCRIPTS + '/webhook.sh', form, self.file, *words], timeout=60,
                              env={'PATH': os.environ['PATH'], **(EVENT if env is None else env)},
                              capture_output=True, text=True)

    def posted(self, form, **more):
        done = self.run_script(form, **more)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, '', ''))
        self.assertEqual(len(self.service.seen), 1)
        path, headers, body = self.service.seen[0]
        self.assertEqual(headers['Content-Type'], 'application/json; charset=utf-8')
        return path, headers, body, json.loads(body)

    def test_slack(self):
        path, _, _, body = self.posted('slack')
        self.assertEqual(path, '/hook?token=s3cret')
        escaped = TEXT.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
        self.assertEqual(body, {'text': escaped})

    def test_wecom(self):
        body = self.posted('wecom', answer=b'{"errcode":0,"errmsg":"ok"}')[3]
        self.assertEqual(body, {'msgtype': 'text', 'text': {'content': TEXT}})

    def test_dingtalk_signs_the_address(self):
        path, _, _, body = self.posted('dingtalk', secret='SECabc', answer=b'{"errcode":0,"errmsg":"ok"}')
        self.assertEqual(body, {'msgtype': 'text', 'text': {'content': TEXT}})
        query = urllib.parse.parse_qs(urllib.parse.urlparse(path).query)
        time = query['timestamp'][0]
        self.assertRegex(time, '^[0-9]{13}$')
        digest = hmac.new(b'SECabc', f'{time}\nSECabc'.encode(), hashlib.sha256).digest()
        self.assertEqual(query['sign'], [base64.b64encode(digest).decode()])

    def test_feishu_signs_the_body(self):
        body = self.posted('feishu', secret='k' * 70, answer=b'{"code":0,"msg":"success"}')[3]
        self.assertEqual(body['content'], {'text': TEXT})
        self.assertEqual(body['msg_type'], 'text')
        key = body['timestamp'] + '\n' + 'k' * 70
        digest = hmac.new(key.encode(), b'', hashlib.sha256).digest()
        self.assertEqual(body['sign'], base64.b64encode(digest).decode())

    def test_feishu_without_a_secret(self):
        body = self.posted('feishu', answer=b'{"StatusCode":0,"StatusMessage":"success"}')[3]
        self.assertEqual(body, {'msg_type': 'text', 'content': {'text': TEXT}})

    def test_generic_has_everything_and_a_signature(self):
        _, headers, raw, body = self.posted('generic', secret='shared', status=204, answer=b'')
        self.assertRegex(body.pop('time'), r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
        self.assertEqual(body, {
            'node': NODE, 'pair': 'redis', 'state': 'MASTER', 'previous_state': 'BACKUP',
            'reason': REASON, 'epoch': 7, 'priority': 250,
            'vips': ['192.168.1.120/24', 'fd00::120/64'], 'peer': '192.168.1.113:6379',
            'initial': False, 'reload': False})
        self.assertEqual(headers['X-Tandem-Signature'],
                         'sha256=' + hmac.new(b'shared', raw, hashlib.sha256).hexdigest())

    def test_with_the_arguments_of_keepalived(self):
        body = self.posted('generic', env={}, words=['INSTANCE', 'redis', 'FAULT', '100'])[3]
        self.assertEqual((body['pair'], body['state'], body['priority']), ('redis', 'FAULT', 100))

    def test_a_service_that_refuses_is_a_failure(self):
        for form in ('dingtalk', 'wecom', 'feishu', 'slack'):
            done = self.run_script(form, answer=b'{"errcode":310000,"code":19021,"errmsg":"sign not match"}')
            self.assertEqual(done.returncode, 1)
            self.assertIn('the service refused the message: ', done.stderr)

    def test_an_error_tells_no_secret(self):
        done = self.run_script('slack', status=403)
        self.assertEqual(done.returncode, 1)
        self.assertIn('the message was not delivered', done.stderr)
        self.assertNotIn('s3cret', done.stderr)

    def test_a_file_that_others_can_read_is_refused(self):
        done = self.run_script('slack', mode=0o644)
        self.assertEqual(done.returncode, 1)
        self.assertIn('chmod 0600', done.stderr)
        self.assertEqual(self.service.seen, [])

    def test_nothing_secret_is_in_arguments(self):
        with tempfile.TemporaryDirectory() as tools:
            noted = os.path.join(tools, 'noted')
            for name in ('curl', 'sha256sum', 'base64', 'sed', 'tr', 'od', 'cut', 'grep', 'find'):
                real = subprocess.run(['sh', '-c', f'command -v {name}'], capture_output=True,
                                      text=True).stdout.strip()
                path = os.path.join(tools, name)
                with open(path, 'w') as out:
                    out.write(f'#!/bin/sh\necho "{name} $*" >>{noted}\nexec {real} "$@"\n')
                os.chmod(path, 0o755)
            env = {**EVENT, 'PATH': tools + ':' + os.environ['PATH']}
            self.posted('dingtalk', secret='SECabc', env=env, answer=b'{"errcode":0}\n')
            with open(noted) as got:
                text = got.read()
        self.assertIn('curl --config -', text)
        self.assertNotIn('s3cret', text)
        self.assertNotIn('SECabc', text)


class WithTools(unittest.TestCase):
    """Programs in PATH that note how they were called."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.noted = os.path.join(self.folder.name, 'noted')

    def tearDown(self):
        self.folder.cleanup()

    def tool(self, name, body='exit 0'):
        path = os.path.join(self.folder.name, name)
        with open(path, 'w') as out:
            out.write(f'#!/bin/sh\necho "{name} $*" >>{self.noted}\n{body}\n')
        os.chmod(path, 0o755)

    def run_script(self, *words, **more):
        done = subprocess.run([SCRIPTS + '/' + words[0], *words[1:]], capture_output=True, text=True,
                              env={**EVENT, **more, 'PATH': self.folder.name + ':/usr/bin:/bin'},
                              timeout=60)
        with open(self.noted) as got:
            return done, got.read().splitlines()

    def test_mail(self):
        letter = os.path.join(self.folder.name, 'letter')
        self.tool('sendmail', f'cat >{letter}')
        done, calls = self.run_script('mail.sh', 'ops@example.org,two@example.org',
                                      TANDEM_REASON='x\nBcc: evil@example.org')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertEqual(calls, ['sendmail -t -i'])
        with open(letter) as got:
            head, _, body = got.read().partition('\n\n')
        self.assertIn('To: ops@example.org,two@example.org\n', head + '\n')
        self.assertIn(f'Subject: [tandem] redis: MASTER on {NODE}\n', head + '\n')
        self.assertIn('Reason:   x Bcc: evil@example.org\n', body)
        self.assertNotRegex(head, '(?m)^Bcc')

    def test_mail_that_is_not_taken(self):
        self.tool('sendmail', 'cat >/dev/null; exit 75')
        self.assertEqual(self.run_script('mail.sh', 'ops@example.org')[0].returncode, 1)

    METADATA = '''case "$*" in *api/token*) echo TOKEN; exit ;; *"-K -"*) cat >/dev/null ;; esac
case "$*" in *region*) echo eu-1 ;; *interface-id) echo eni-own ;; */name) echo redis-1 ;;
*/zone) echo projects/1/zones/z-a ;; *) exit 22 ;; esac'''

    def test_aws(self):
        self.tool('curl', self.METADATA)
        self.tool('aws')
        done, calls = self.run_script('cloud/aws.sh', 'eipalloc-1')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertFalse([call for call in calls if 'TOKEN' in call])
        self.assertEqual([call for call in calls if call.startswith('aws')], [
            'aws ec2 assign-private-ip-addresses --region eu-1 --network-interface-id eni-own '
            '--allow-reassignment --private-ip-addresses 192.168.1.120',
            'aws ec2 associate-address --region eu-1 --allocation-id eipalloc-1 '
            '--network-interface-id eni-own --private-ip-address 192.168.1.120 --allow-reassociation'])

    def test_aws_that_refuses(self):
        self.tool('curl', self.METADATA)
        self.tool('aws', 'echo denied >&2; exit 254')
        self.assertNotEqual(self.run_script('cloud/aws.sh')[0].returncode, 0)

    def test_alibaba(self):
        self.tool('curl', self.METADATA)
        self.tool('aliyun', 'case $2 in Unassign*) exit 1 ;; esac')
        done, calls = self.run_script('cloud/alibaba.sh', 'eni-other', 'role')
        self.assertEqual(done.returncode, 0)
        self.assertEqual([call for call in calls if call.startswith('aliyun')], [
            'aliyun ecs UnassignPrivateIpAddresses --NetworkInterfaceId eni-other '
            '--PrivateIpAddress.1 192.168.1.120 --RegionId eu-1 --mode EcsRamRole --ram-role-name role',
            'aliyun ecs AssignPrivateIpAddresses --NetworkInterfaceId eni-own '
            '--PrivateIpAddress.1 192.168.1.120 --RegionId eu-1 --mode EcsRamRole --ram-role-name role'])

    def test_gcp(self):
        self.tool('curl', self.METADATA)
        self.tool('gcloud')
        done, calls = self.run_script('cloud/gcp.sh', 'redis-2', 'z-b')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        update = 'gcloud compute instances network-interfaces update '
        self.assertEqual([call for call in calls if call.startswith('gcloud')], [
            update + 'redis-2 --zone z-b --network-interface nic0 --aliases  --quiet',
            update + 'redis-1 --zone z-a --network-interface nic0 --aliases 192.168.1.120/32 --quiet'])

    def test_azure(self):
        self.tool('az', 'case $4 in delete) exit 3 ;; esac')
        done, calls = self.run_script('cloud/azure.sh', 'group', 'nic-2', 'nic-1')
        self.assertEqual(done.returncode, 0)
        self.assertEqual(calls, [
            'az login --identity --output none',
            'az network nic ip-config delete --resource-group group --nic-name nic-2 '
            '--name tandem-192-168-1-120',
            'az network nic ip-config create --resource-group group --nic-name nic-1 '
            '--name tandem-192-168-1-120 --private-ip-address 192.168.1.120 --output none'])

    def test_may_lead(self):
        self.tool('nothing')
        open(self.noted, 'w').close()
        file = os.path.join(self.folder.name, 'do-not-lead')
        self.assertEqual(self.run_script('may_lead.sh', file)[0].returncode, 0)
        with open(file, 'w') as out:
            out.write('the disk is being replaced\nmore\n')
        done = self.run_script('may_lead.sh', file)[0]
        self.assertEqual((done.returncode, done.stderr), (1, 'the disk is being replaced\n'))


if __name__ == '__main__':
    unittest.main()
